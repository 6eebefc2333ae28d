//! `/api/v1/admin/workspaces/{id}/balance`: money by hand. Nothing is changed: each act is an entry
//! with a reason.

use axum::{Json, extract::State};
use garde::Validate;
use replyx_billing::{
    account,
    admin::{self, AdminSource, NewCredit},
};
use replyx_core::{ids::WorkspaceId, money::Money};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::{
    billing::{self, balance::BalanceView},
    caller::Admin,
    error::{ApiResult, Problem},
    input::{Body, Id},
    state::AppState,
};

/// Where the money comes from.
#[derive(Clone, Copy, Debug, Deserialize, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum CreditSourceWord {
    /// A bank transfer that has arrived.
    Transfer,
    /// Goodwill: spent first, never paid out, no revenue.
    Goodwill,
}

/// Money to be added.
#[derive(Debug, Deserialize, Validate, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = CreateCredit)]
pub struct CreditRequest {
    /// How much, a decimal number in the currency of the installation.
    #[garde(custom(billing::amount))]
    #[schema(pattern = "^[0-9]{1,9}([.][0-9]{1,6})?$", example = "100.00")]
    amount: String,
    /// Where it comes from; `transfer` by default.
    #[serde(default = "transfer")]
    #[garde(skip)]
    source: CreditSourceWord,
    /// The number of the transfer. No two credits of a source have it in common, whatever their
    /// workspaces.
    #[garde(inner(length(chars, min = 1, max = 100)))]
    #[schema(min_length = 1, max_length = 100, example = "invoice 7")]
    source_id: Option<String>,
    /// Why, for the workspace and for auditors.
    #[garde(length(chars, min = 1, max = 500))]
    #[schema(min_length = 1, max_length = 500, example = "paid by bank transfer")]
    reason: String,
}

const fn transfer() -> CreditSourceWord {
    CreditSourceWord::Transfer
}

/// Money to be paid out.
#[derive(Debug, Deserialize, Validate, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = CreateRefund)]
pub struct RefundRequest {
    /// How much, a decimal number in the currency of the installation.
    #[garde(custom(billing::amount))]
    #[schema(pattern = "^[0-9]{1,9}([.][0-9]{1,6})?$", example = "20.00")]
    amount: String,
    /// Why, for the workspace and for auditors.
    #[garde(length(chars, min = 1, max = 500))]
    #[schema(min_length = 1, max_length = 500, example = "the contract ended")]
    reason: String,
}

/// A correction.
#[derive(Debug, Deserialize, Validate, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = CreateCorrection)]
pub struct CorrectionRequest {
    /// How much is added, a decimal number in the currency of the installation; a negative one is
    /// taken.
    #[garde(custom(either))]
    #[schema(pattern = "^-?[0-9]{1,9}([.][0-9]{1,6})?$", example = "-5.00")]
    amount: String,
    /// Why, for the workspace and for auditors.
    #[garde(length(chars, min = 1, max = 500))]
    #[schema(min_length = 1, max_length = 500, example = "credited twice")]
    reason: String,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "the form that garde asks for")]
fn either(text: &str, context: &()) -> garde::Result {
    billing::amount(text.strip_prefix('-').unwrap_or(text), context)
}

/// Shows the balance of a workspace.
#[utoipa::path(
    get, path = "/admin/workspaces/{id}/balance", operation_id = "read_any_balance", tag = "admin",
    params(("id" = uuid::Uuid, Path)),
    responses((status = 200, description = "the balance", body = BalanceView))
)]
#[tracing::instrument(name = "api.admin.balances.read", skip_all, fields(workspace.id = %id.0))]
pub async fn read(
    State(state): State<AppState>,
    admin: Admin,
    id: Id<WorkspaceId>,
) -> ApiResult<Json<BalanceView>> {
    admin::known(&state.billing, &admin, id.0).await?;
    shown(&state, id.0).await
}

/// Adds money to the balance of a workspace.
#[utoipa::path(
    post, path = "/admin/workspaces/{id}/credits", operation_id = "create_credit", tag = "admin",
    params(("id" = uuid::Uuid, Path)), request_body = CreditRequest,
    responses(
        (status = 200, description = "the balance after it", body = BalanceView),
        (status = 409, description = "`billing_off`, or `already_credited`", body = Problem),
    )
)]
#[tracing::instrument(name = "api.admin.balances.credit", skip_all, fields(workspace.id = %id.0))]
pub async fn credit(
    State(state): State<AppState>,
    admin: Admin,
    id: Id<WorkspaceId>,
    Body(request): Body<CreditRequest>,
) -> ApiResult<Json<BalanceView>> {
    let new = NewCredit {
        workspace_id: id.0,
        amount: billing::read(&request.amount),
        source: match request.source {
            CreditSourceWord::Transfer => AdminSource::Transfer,
            CreditSourceWord::Goodwill => AdminSource::Goodwill,
        },
        source_id: request.source_id,
        reason: request.reason,
    };
    admin::credit(&state.billing, &admin, &new).await?;
    shown(&state, id.0).await
}

/// Pays money out that was paid and is not set aside. Money that was given is never paid out.
#[utoipa::path(
    post, path = "/admin/workspaces/{id}/refunds", operation_id = "create_refund", tag = "admin",
    params(("id" = uuid::Uuid, Path)), request_body = RefundRequest,
    responses(
        (status = 200, description = "the balance after it", body = BalanceView),
        (status = 402, description = "`insufficient_funds`", body = Problem),
        (status = 409, description = "`billing_off`", body = Problem),
    )
)]
#[tracing::instrument(name = "api.admin.balances.refund", skip_all, fields(workspace.id = %id.0))]
pub async fn refund(
    State(state): State<AppState>,
    admin: Admin,
    id: Id<WorkspaceId>,
    Body(request): Body<RefundRequest>,
) -> ApiResult<Json<BalanceView>> {
    let refund = (billing::read(&request.amount), request.reason.as_str());
    admin::refund(&state.billing, &admin, id.0, refund).await?;
    shown(&state, id.0).await
}

/// Corrects what a workspace has paid, up or down.
#[utoipa::path(
    post, path = "/admin/workspaces/{id}/corrections", operation_id = "create_correction", tag = "admin",
    params(("id" = uuid::Uuid, Path)), request_body = CorrectionRequest,
    responses(
        (status = 200, description = "the balance after it", body = BalanceView),
        (status = 402, description = "`insufficient_funds`", body = Problem),
        (status = 409, description = "`billing_off`", body = Problem),
    )
)]
#[tracing::instrument(name = "api.admin.balances.correct", skip_all, fields(workspace.id = %id.0))]
pub async fn correct(
    State(state): State<AppState>,
    admin: Admin,
    id: Id<WorkspaceId>,
    Body(request): Body<CorrectionRequest>,
) -> ApiResult<Json<BalanceView>> {
    let amount: Money = billing::read(&request.amount);
    admin::correct(&state.billing, &admin, id.0, (amount, &request.reason)).await?;
    shown(&state, id.0).await
}

async fn shown(state: &AppState, workspace: WorkspaceId) -> ApiResult<Json<BalanceView>> {
    Ok(Json(account::balance(&state.billing, workspace).await?.into()))
}
