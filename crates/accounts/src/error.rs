//! Why a use case was not done.

use std::time::Duration;

use replyx_core::rules::{
    invitation::InvitationRefused,
    key::KeyRefused,
    member::MemberRefused,
    second_factor::{NoSecondFactor, SecondFactorExists},
    user::OwnAccount,
    workspace::{OwnerOfOthers, TooManyOwned},
};
use replyx_live::TooMany;
use replyx_storage::StorageError;

/// What a use case about people returns.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// Why a use case was not done. The text of every refusal is fit for the caller; that of
/// [`Error::Storage`] and [`Error::Internal`] is not.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// No sign-in, or one that has ended.
    #[error("missing or invalid credentials")]
    Unauthenticated,
    /// The role of the caller does not allow it.
    #[error("your role or the scopes of your key do not allow this")]
    Forbidden,
    /// There is none, or it belongs to somebody else.
    #[error("no such {0}")]
    NotFound(&'static str),
    /// Somebody else has changed it since the caller read it.
    #[error("it has been changed since you read it; read it again")]
    Changed,
    /// A field is not acceptable.
    #[error("`{field}` {message}")]
    Field {
        /// Its name.
        field: &'static str,
        /// What is wrong with it.
        message: String,
    },

    /// The e-mail address or the password is wrong; which of them is not told.
    #[error("the e-mail address or the password is wrong")]
    WrongCredentials,
    /// The password is right, and a second factor is asked for.
    #[error("this account requires a code of its second factor in `totp`")]
    CodeRequired,
    /// The password is right, and the code is not.
    #[error("the code of the second factor is wrong, or was used before")]
    WrongCode,
    /// The account is blocked.
    #[error("this account is blocked")]
    AccountBlocked,
    /// A refresh token came back.
    #[error("this refresh token was already used; sign in again")]
    RefreshReused,
    /// A refresh token in a cookie came without a proof that one of our pages sent it.
    #[error("this request could not be verified as intended")]
    NotMeant,

    /// The password that is asked for once more is wrong.
    #[error("the password is wrong")]
    WrongPassword,
    /// A code of the second factor is asked for once more.
    #[error("this account requires a code of its second factor in `code`")]
    ProofRequired,
    /// The code that is asked for once more is wrong.
    #[error("the code of the second factor is wrong, or was used before")]
    WrongProof,

    /// There is a second factor already.
    #[error("a second factor is already enabled; remove it first")]
    SecondFactorExists,
    /// There is no second factor.
    #[error("there is no second factor")]
    NoSecondFactor,
    /// The first code of a second factor is wrong.
    #[error("the code does not match the secret; check the clock of the device")]
    WrongFirstCode,

    /// Nobody may register without an invitation.
    #[error("registration is by invitation only")]
    RegistrationClosed,
    /// There is an account with this e-mail address.
    #[error("an account with this e-mail address already exists")]
    EmailTaken,
    /// The code that confirms an e-mail address is wrong.
    #[error("the code is wrong or expired; after five attempts or 15 minutes, request a new one")]
    WrongConfirmation,
    /// The link that sets a new password is wrong.
    #[error("the link is invalid, used or expired; request a new one")]
    WrongLink,

    /// There is no open invitation with this token to the address that registers.
    #[error("there is no open invitation for this address with this token")]
    NotInvited,
    /// There is no open invitation with this token.
    #[error("this invitation no longer exists")]
    NoInvitation,
    /// The invitation was sent to somebody else.
    #[error("this invitation was sent to another e-mail address")]
    NotForYou,
    /// The person who invited could not do so today.
    #[error("the person who invited you may no longer invite; ask for another invitation")]
    InvitationVoid,
    /// The workspace is suspended.
    #[error("this workspace is suspended")]
    WorkspaceSuspended,
    /// The person who accepts is a member.
    #[error("you are already a member")]
    AlreadyMember,
    /// The person who is invited is a member.
    #[error("the person with this e-mail address is already a member")]
    InviteeIsMember,
    /// The person belongs to as many workspaces as a person may.
    #[error("you can belong to at most 100 workspaces")]
    TooManyJoined,
    /// The person owns, or belongs to, as many workspaces as a person may.
    #[error("you can own at most 20 workspaces and belong to at most 100")]
    TooManyOwned,
    /// The workspace would be left without an owner.
    #[error("a workspace needs at least one owner; make somebody else an owner first")]
    LastOwner,
    /// A workspace with other members would be left without an owner.
    #[error(
        "a workspace has other members and no other owner: make one of them an owner, or remove them"
    )]
    OwnerOfOthers,
    /// The workspace has as many keys as a workspace may.
    #[error("a workspace can have at most 100 keys; delete one first")]
    TooManyKeys,
    /// An admin would lock themselves out.
    #[error("admins cannot do this to their own account")]
    Yourself,
    /// The job runs, and only its worker may end it.
    #[error("the job is running; try again when it has ended")]
    JobRunning,
    /// The job runs by the clock.
    #[error("the job runs by the clock and cannot be canceled")]
    JobScheduled,

    /// A limit is used up.
    #[error(transparent)]
    TooMany(#[from] TooMany),
    /// Too many passwords are being hashed.
    #[error("the server is overloaded; retry later")]
    Busy(Duration),
    /// The database failed.
    #[error("the database failed")]
    Storage(#[from] StorageError),
    /// An internal error.
    #[error("internal error")]
    Internal(#[source] Box<dyn std::error::Error + Send + Sync>),
}

impl Error {
    pub(crate) fn field(field: &'static str, message: impl Into<String>) -> Self {
        Self::Field { field, message: message.into() }
    }

    /// The stable name of a refusal; none for what fails in ways that have nothing to do with
    /// people.
    pub const fn code(&self) -> Option<&'static str> {
        Some(match self {
            Self::WrongCredentials => "wrong_credentials",
            Self::CodeRequired | Self::ProofRequired => "totp_required",
            Self::WrongCode | Self::WrongProof | Self::WrongFirstCode => "wrong_totp",
            Self::AccountBlocked => "account_blocked",
            Self::RefreshReused => "refresh_reused",
            Self::WrongPassword => "wrong_password",
            Self::SecondFactorExists => "second_factor_exists",
            Self::NoSecondFactor => "no_second_factor",
            Self::RegistrationClosed => "registration_closed",
            Self::EmailTaken => "email_taken",
            Self::WrongConfirmation => "wrong_code",
            Self::WrongLink | Self::NotInvited | Self::NoInvitation => "wrong_token",
            Self::NotForYou => "not_for_you",
            Self::InvitationVoid => "invitation_void",
            Self::WorkspaceSuspended => "workspace_suspended",
            Self::AlreadyMember | Self::InviteeIsMember => "already_member",
            Self::TooManyJoined | Self::TooManyOwned => "too_many_workspaces",
            Self::LastOwner | Self::OwnerOfOthers => "last_owner",
            Self::TooManyKeys => "too_many_keys",
            Self::Yourself => "yourself",
            Self::JobRunning => "job_running",
            Self::JobScheduled => "job_scheduled",
            Self::Unauthenticated
            | Self::Forbidden
            | Self::NotFound(_)
            | Self::Changed
            | Self::Field { .. }
            | Self::NotMeant
            | Self::TooMany(_)
            | Self::Busy(_)
            | Self::Storage(_)
            | Self::Internal(_) => return None,
        })
    }
}

impl From<MemberRefused> for Error {
    fn from(refused: MemberRefused) -> Self {
        match refused {
            MemberRefused::AboveStanding(_) => Self::Forbidden,
            MemberRefused::LastOwner => Self::LastOwner,
        }
    }
}

impl From<InvitationRefused> for Error {
    fn from(refused: InvitationRefused) -> Self {
        match refused {
            InvitationRefused::AboveStanding(_) => Self::Forbidden,
            InvitationRefused::Expired => Self::NoInvitation,
            InvitationRefused::OtherAddress => Self::NotForYou,
            InvitationRefused::WorkspaceSuspended => Self::WorkspaceSuspended,
            InvitationRefused::Void => Self::InvitationVoid,
            InvitationRefused::InviteeIsMember => Self::InviteeIsMember,
            InvitationRefused::AlreadyMember => Self::AlreadyMember,
            InvitationRefused::TooManyJoined => Self::TooManyJoined,
        }
    }
}

impl From<KeyRefused> for Error {
    fn from(refused: KeyRefused) -> Self {
        match refused {
            KeyRefused::Expired => Self::field("expires_at", "must be in the future"),
            KeyRefused::NeedsPerson(_) => Self::field("scopes", refused.to_string()),
            KeyRefused::AboveStanding => Self::Forbidden,
            KeyRefused::TooMany => Self::TooManyKeys,
        }
    }
}

impl From<NoSecondFactor> for Error {
    fn from(NoSecondFactor: NoSecondFactor) -> Self {
        Self::NoSecondFactor
    }
}

impl From<SecondFactorExists> for Error {
    fn from(SecondFactorExists: SecondFactorExists) -> Self {
        Self::SecondFactorExists
    }
}

impl From<OwnAccount> for Error {
    fn from(OwnAccount: OwnAccount) -> Self {
        Self::Yourself
    }
}

impl From<TooManyOwned> for Error {
    fn from(TooManyOwned: TooManyOwned) -> Self {
        Self::TooManyOwned
    }
}

impl From<OwnerOfOthers> for Error {
    fn from(OwnerOfOthers: OwnerOfOthers) -> Self {
        Self::OwnerOfOthers
    }
}
