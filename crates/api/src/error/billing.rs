//! Refusals of use cases about money.

use replyx_billing::Error;

use super::ApiError;

impl From<Error> for ApiError {
    fn from(error: Error) -> Self {
        let detail = error.to_string();
        match error {
            Error::Off => Self::Conflict { code: "billing_off", detail },
            Error::Credited => Self::Conflict { code: "already_credited", detail },
            Error::Busy => Self::Conflict { code: "set_by_another", detail },
            Error::NoPrice(_) => Self::Conflict { code: "no_price", detail },
            Error::NotFound(what) => Self::NotFound(what),
            Error::Insufficient(missing) => Self::InsufficientFunds(missing),
            Error::Nothing => Self::field("amount", detail),
            Error::Past => Self::field("in_force_from", detail),
            Error::Storage(source) => source.into(),
            error @ (Error::NoHold | Error::Unmovable(_) | Error::Damaged { .. }) => {
                Self::Internal(error.into())
            }
        }
    }
}
