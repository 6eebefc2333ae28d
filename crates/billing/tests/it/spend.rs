use chrono::{DateTime, TimeDelta, Utc};
use replyx_billing::spend::{
    CreditShortfall, Insufficient, TrialPays, Withdrawal, add, capture, give_back, release,
    reserve, set_aside, withdraw,
};
use replyx_core::{
    ledger::{
        Account, Balance, Bucket, Credit, CreditSource, Entry, EntryKind, Funds, Hold, HoldPurpose,
        Movement, Reserved, Subject,
    },
    money::Money,
};
use uuid::Uuid;

pub(crate) fn micros(micros: i64) -> Money {
    Money::from_micros(micros)
}

fn at(seconds: i64) -> DateTime<Utc> {
    DateTime::UNIX_EPOCH + TimeDelta::seconds(seconds)
}

fn credit(id: u128, source: CreditSource, remaining: i64, seconds: i64) -> Credit {
    Credit {
        id: Uuid::from_u128(id).into(),
        workspace_id: Uuid::nil().into(),
        source,
        source_id: id.to_string(),
        amount: micros(remaining),
        remaining: micros(remaining),
        created_at: at(seconds),
    }
}

fn hold(reserved: Reserved) -> Hold {
    Hold {
        id: Uuid::from_u128(77).into(),
        workspace_id: Uuid::nil().into(),
        purpose: HoldPurpose::Answer,
        dialog_id: None,
        reserved,
        price_version: 1,
        taken_at: at(0),
        expires_at: at(60),
    }
}

fn funds(trial: i64, bonus: i64, paid: i64) -> Funds {
    Funds { trial, bonus: micros(bonus), paid: micros(paid), ..Funds::default() }
}

fn reserved(answers: i64, bonus: i64, paid: i64) -> Reserved {
    Reserved { answers, bonus: micros(bonus), paid: micros(paid) }
}

/// What moves, in short.
fn moves(movements: &[Movement]) -> Vec<(EntryKind, Account, Account, i64)> {
    let short = |movement: &Movement| {
        let amount = movement.amount.money().micros() + movement.amount.answers();
        (movement.kind, movement.source, movement.target, amount)
    };
    movements.iter().map(short).collect()
}

#[test]
fn the_trial_pays_first_then_the_bonus_then_what_was_paid() {
    let needed = micros(10);
    assert_eq!(reserve(&funds(1, 9, 9), needed, TrialPays::Yes), Ok(reserved(1, 0, 0)));
    assert_eq!(reserve(&funds(1, 9, 9), needed, TrialPays::No), Ok(reserved(0, 9, 1)));
    assert_eq!(reserve(&funds(0, 10, 9), needed, TrialPays::Yes), Ok(reserved(0, 10, 0)));
    assert_eq!(reserve(&funds(0, 0, 10), needed, TrialPays::Yes), Ok(reserved(0, 0, 10)));
    let missing = Insufficient { available: micros(9), needed };
    assert_eq!(reserve(&funds(0, 4, 5), needed, TrialPays::Yes), Err(missing));
    assert_eq!(missing.to_string(), "`0.00001` are needed and `0.000009` are available");
    assert_eq!(reserve(&funds(0, 0, 0), micros(0), TrialPays::No), Ok(Reserved::default()));
}

#[test]
fn the_oldest_credit_is_spent_first_and_each_part_names_its_own() {
    let credits = [
        credit(3, CreditSource::Transfer, 5, 30),
        credit(2, CreditSource::Payment, 5, 20),
        credit(1, CreditSource::Welcome, 3, 99),
    ];
    let change = capture(&hold(reserved(0, 3, 7)), micros(10), &credits, &Subject::default());
    let change = change.unwrap();
    let ids: Vec<_> =
        change.drawn.iter().map(|(id, part)| (id.into_uuid().as_u128(), *part)).collect();
    assert_eq!(ids, [(1, micros(3)), (2, micros(5)), (3, micros(2))]);
    assert_eq!(
        moves(&change.movements),
        [
            (EntryKind::Capture, Account::Held, Account::BonusSpent, 3),
            (EntryKind::Capture, Account::Held, Account::Revenue, 5),
            (EntryKind::Capture, Account::Held, Account::Revenue, 2),
        ]
    );
}

#[test]
fn a_capture_never_exceeds_its_hold_and_the_rest_goes_back_to_where_it_came_from() {
    let credits =
        [credit(1, CreditSource::Welcome, 100, 0), credit(2, CreditSource::Payment, 100, 0)];
    let captured = |price| {
        let hold = hold(reserved(0, 4, 6));
        moves(&capture(&hold, micros(price), &credits, &Subject::default()).unwrap().movements)
    };
    use Account::{Bonus, BonusSpent, Held, Paid, Revenue};
    use EntryKind::{Capture, Release};

    assert_eq!(captured(999), [(Capture, Held, BonusSpent, 4), (Capture, Held, Revenue, 6)]);
    assert_eq!(
        captured(5),
        [(Capture, Held, BonusSpent, 4), (Capture, Held, Revenue, 1), (Release, Held, Paid, 5)]
    );
    assert_eq!(
        captured(1),
        [(Capture, Held, BonusSpent, 1), (Release, Held, Bonus, 3), (Release, Held, Paid, 6)]
    );
    assert_eq!(captured(0), [(Release, Held, Bonus, 4), (Release, Held, Paid, 6)]);
    assert_eq!(captured(-5), captured(0));

    let trial = capture(&hold(reserved(1, 0, 0)), micros(9), &credits, &Subject::default());
    let trial = trial.unwrap();
    assert_eq!(moves(&trial.movements), [(Capture, Held, Account::TrialSpent, 1)]);
    assert_eq!(trial.drawn, []);
}

#[test]
fn credits_that_do_not_cover_the_balance_are_noticed() {
    let credits = [credit(1, CreditSource::Payment, 5, 0)];
    let change = capture(&hold(reserved(0, 0, 6)), micros(6), &credits, &Subject::default());
    let uncovered = CreditShortfall { bucket: Bucket::Paid, missing: micros(1) };
    assert_eq!(change, Err(uncovered));
}

#[test]
fn what_was_captured_is_given_back_to_the_credits_it_came_from() {
    let credits = [credit(1, CreditSource::Welcome, 4, 0), credit(2, CreditSource::Payment, 6, 0)];
    let hold = hold(reserved(0, 4, 6));
    let change = capture(&hold, micros(9), &credits, &Subject::default()).unwrap();
    let balance = Balance {
        funds: Funds { held: micros(10), ..Funds::default() },
        ..Balance::empty(Uuid::nil().into(), at(0))
    };
    let captured = balance.post("x", change.movements, at(1)).unwrap();

    let back = give_back(captured.entries(), &Subject::default());
    let restored = captured.balance().post("y", back.movements, at(2)).unwrap();
    assert_eq!(restored.balance().funds, funds(0, 4, 6));
    let ids: Vec<_> =
        back.drawn.iter().map(|(id, part)| (id.into_uuid().as_u128(), *part)).collect();
    assert_eq!(ids, [(1, micros(-4)), (2, micros(-5))]);
    let untouched = |entry: &Entry| entry.movement.kind == EntryKind::GivenBack;
    assert!(restored.entries().iter().all(untouched));
}

#[test]
fn what_is_set_aside_cannot_be_paid_out() {
    let credits = [credit(1, CreditSource::Payment, 10, 0)];
    let funds = Funds { paid: micros(4), held: micros(6), ..Funds::default() };
    let refund = |amount| {
        let what = (EntryKind::Refund, Account::Bank);
        withdraw(&funds, (Bucket::Paid, micros(amount)), what, &credits, &Subject::default())
    };
    let change = refund(4).unwrap();
    assert_eq!(moves(&change.movements), [(EntryKind::Refund, Account::Paid, Account::Bank, 4)]);
    assert_eq!(change.drawn, [(credits[0].id, micros(4))]);
    let missing = Insufficient { available: micros(4), needed: micros(5) };
    assert_eq!(refund(5), Err(Withdrawal::Insufficient(missing)));
}

#[test]
fn a_hold_and_its_release_leave_things_as_they_were() {
    let before = Balance { funds: funds(3, 4, 6), ..Balance::empty(Uuid::nil().into(), at(0)) };
    for reserved in [reserved(1, 0, 0), reserved(0, 4, 5), Reserved::default()] {
        let hold = hold(reserved);
        let held = before.post("x", set_aside(&hold, &Subject::default()), at(1)).unwrap();
        assert_eq!(held.balance().funds.held, reserved.money());
        assert_eq!(held.balance().funds.held_answers, reserved.answers);
        let after = held.balance().post("y", release(&hold, &Subject::default()), at(2)).unwrap();
        assert_eq!(after.balance().funds, before.funds);
    }
}

#[test]
fn a_credit_comes_from_the_account_of_its_source() {
    for (source, account, target) in [
        (CreditSource::Welcome, Account::Promo, Account::Bonus),
        (CreditSource::Promo, Account::Promo, Account::Bonus),
        (CreditSource::Goodwill, Account::Promo, Account::Bonus),
        (CreditSource::Transfer, Account::Bank, Account::Paid),
        (CreditSource::Payment, Account::InTransit, Account::Paid),
        (CreditSource::Correction, Account::Corrections, Account::Paid),
    ] {
        let credit = credit(1, source, 5, 0);
        let movement = add(&credit, EntryKind::Credit, &Subject::default());
        assert_eq!((movement.source, movement.target), (account, target));
        assert_eq!(movement.credit_id, Some(credit.id));
    }
}
