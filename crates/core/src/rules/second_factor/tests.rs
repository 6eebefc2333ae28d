use super::*;
use crate::clock::Clock;

fn at(seconds: i64) -> DateTime<Utc> {
    DateTime::from_timestamp(seconds, 0).unwrap()
}

fn begun() -> SecondFactor {
    SecondFactor {
        user_id: Clock::manual(at(0)).id(),
        secret_sealed: b"sealed".to_vec(),
        confirmed_at: None,
    }
}

#[test]
fn a_confirmed_second_factor_is_neither_replaced_nor_confirmed_again() {
    let by = Actor::command_line();
    let confirmed = SecondFactor { confirmed_at: Some(at(1)), ..begun() };
    assert_eq!(begun().begin(Some(&confirmed)).err(), Some(SecondFactorExists));
    assert!(begun().begin(Some(&begun())).is_ok());
    assert!(begun().begin(None).is_ok());

    let again = confirmed.confirm(7, Vec::new(), &by, at(2));
    assert_eq!(again.err(), Some(SecondFactorExists));
    let first = begun().confirm(7, vec!["hash".to_owned()], &by, at(2)).unwrap();
    assert_eq!(first.acts()[0].action, "second_factor.enabled");
    assert_eq!((first.state().step, first.state().at), (7, at(2)));
}

#[test]
fn only_a_confirmed_second_factor_has_recovery_codes() {
    let by = Actor::command_line();
    let hashes = || vec!["hash".to_owned()];
    let none = begun().replace_recovery_codes(hashes(), &by, at(2));
    assert_eq!(none.err(), Some(NoSecondFactor));
    let confirmed = SecondFactor { confirmed_at: Some(at(1)), ..begun() };
    let replaced = confirmed.replace_recovery_codes(hashes(), &by, at(2)).unwrap();
    assert_eq!(replaced.acts()[0].action, "second_factor.recovery_codes_replaced");
}
