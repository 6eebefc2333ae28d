//! Tenants never meet: every function of a workspace, asked with another workspace's ids.

use std::time::Duration;

use replyx_core::{
    assistant::Pause,
    attachment::{MessageFile, Upload},
    bulk::BulkItem,
    canned::CannedReply,
    change::{Deleted, New},
    channel::{Channel, ChannelKind, Outbound},
    dialog::Contact,
    event::LimitBound,
    file::Content,
    fixtures,
    ids::JobId,
    job::Kind,
    ledger::{BalanceNotice, Credit, CreditSource},
    message::{Delivery, MessageAct},
    money::Money,
    page::PageRequest,
    presence::Presence,
    role::Role,
    rules::{
        assistant::{Publication, QuestionSetContent, RolledBack},
        attachment::StoredMessageFile,
        channel::{BotWithToken, MovedAway, NewBot},
        dialog::{ControlStep, Edited, Utterance},
        document::{DocumentFile, Linked, Unlinked, WaitingFile},
        invitation::AcceptedInvitation,
        message::{CorrectedAct, MessageDelivery},
        run::MeasuredRun,
        sla::AssistantSla,
    },
    sla::{DialogSla, SlaPolicy},
    snooze::EndedSnooze,
    tag::{DialogTags, Tag},
    waiting::WaitNotice,
    workspace::{ApiKey, Invitation},
};
use replyx_storage::{
    StorageError,
    assistants::Whole,
    audit::AuditFilter,
    dialog_terms::{Finders, FollowedLog, UnindexedDialog},
    documents::DocumentFilter,
    drafts::Draft,
    fair::Places,
    inbox::{InboxCounts, InboxFilter, InboxOrder, Reader, SearchWords},
    ledger::EntryFilter,
    neighbours::VectorIndex,
    on_every_db,
    testing::{TestDb, pgvector},
};

use crate::given::{self, at, id};

/// Calls each function in a committed transaction of its own and checks its answer.
macro_rules! answers {
    ($db:expr, $workspace:expr, $called:ident;
     $($table:ident.$function:ident($($arg:expr),* $(,)?) => $answer:pat $(if $guard:expr)?,)+) => {$({
        $called.push(concat!(stringify!($table), ".", stringify!($function)));
        // Boxed by a function of its own: all calls in one frame are more than a stack holds.
        let call = || Box::pin(async {
            let mut tx = $db.begin().await.unwrap();
            let answer = tx.workspace($workspace).$table().$function($($arg),*).await;
            assert!(
                matches!(&answer, $answer $(if $guard)?),
                "{}.{}: {answer:?}", stringify!($table), stringify!($function),
            );
            let _ = tx.commit().await;
        });
        call().await;
    })+};
}

/// Applies each state in a transaction of its own and expects that it is refused.
macro_rules! states {
    ($db:expr, $applied:ident, $refused:expr; $($name:literal: $state:expr;)+) => {$({
        $applied.push($name.to_owned());
        let call = || Box::pin(async {
            let mut tx = $db.begin().await.unwrap();
            $refused(tx.apply(fixtures::unexplained($state)).await.map(drop), $name);
        });
        call().await;
    })+};
}

/// A page from the beginning.
fn page<C>() -> PageRequest<C> {
    PageRequest::new(None, None)
}

#[on_every_db]
#[allow(clippy::too_many_lines, reason = "one look per table")]
async fn another_workspace_finds_and_changes_nothing(home: &TestDb) {
    let db = &home.db;
    let ours = given::tenant(db).await;
    let theirs = given::tenant(db).await;
    ours.fill(db).await;
    let by = given::process(db, at(0)).await;
    let mut tx = db.begin().await.unwrap();
    tx.system().turns().claim(by, at(10), Places::of(1)).await.unwrap();
    let send = tx.system().outbox().sendable(at(10), 1).await.unwrap().remove(0);
    assert!(tx.system().outbox().claim(&send, by, at(10)).await.unwrap());
    tx.commit().await.unwrap();
    let before = given::rows(&home.url, Some(ours.id)).await;
    let at_theirs = |record: &str| format!("{record} of another workspace");

    // What carries its workspace along is made to say theirs.
    let mut assistant = ours.assistant.clone();
    assistant.workspace_id = theirs.id;
    assistant.version = 2;
    assistant.settings.name = at_theirs("assistant");
    let mut bot = ours.bot.clone();
    bot.workspace_id = theirs.id;
    bot.error = Some(at_theirs("bot"));
    let channel = Channel { workspace_id: theirs.id, ..given::channel(ours.id, ours.assistant.id) };
    let mut dialog = ours.dialog.clone();
    dialog.workspace_id = theirs.id;
    dialog.epoch = 99;
    let mut document = ours.document.clone();
    document.workspace_id = theirs.id;
    document.error = Some(at_theirs("document"));
    let mut set = at_theirs_set(&ours, theirs.id);
    "theirs".clone_into(&mut set.name);
    let run = replyx_core::evaluation::Run { workspace_id: theirs.id, ..ours.run.clone() };
    let source = replyx_core::knowledge::Source { workspace_id: theirs.id, ..ours.source.clone() };
    let theft = replyx_storage::passages::PassageChanges {
        gone: vec![ours.passages[0].id],
        moved: vec![(ours.passages[1].id, ours.passages[1].place)],
        reindexed: vec![(ours.passages[1].id, "x".to_owned(), 1)],
        new: Vec::new(),
    };
    let day = at(0).date_naive();
    let message = given::message(theirs.id, ours.dialog.id, 9);
    let upload = Upload { workspace_id: theirs.id, ..ours.upload.clone() };
    let text = Outbound::text("x", None);
    let terms = vec!["доставк".to_owned()];
    let passage_ids: Vec<_> = ours.passages.iter().map(|passage| passage.id).collect();
    let new_bot = replyx_core::bot::Bot { id: id(), telegram_id: 5, ..bot.clone() };
    let json = serde_json::json!({});
    let kept = given::kept_key(ours.assistant.id);
    let kept_answer = given::kept_answer();
    let all = AuditFilter::default();
    let nobody = Reader { member: None, now: at(1) };
    let tag = given::tag(ours.id);
    let canned = given::canned_reply(ours.id);
    let bulk = given::bulk_item(ours.id, &ours.dialog);
    let draft = Draft { text: "x".to_owned(), updated_at: at(1) };
    let words = vec![given::dialog_term(ours.dialog.id).term];
    let words = SearchWords::of(words, Finders::Colleagues).unwrap();
    let unindexed = UnindexedDialog { workspace: theirs.id, dialog: ours.dialog.id, marks: 1 };
    let log = FollowedLog { version: 1, seq: 0, is_marking: false };
    let mut called = Vec::new();
    answers! { db, theirs.id, called;
        api_keys.find(ours.key.id) => Ok(None),
        api_keys.lock(ours.key.id) => Ok(None),
        api_keys.list(page()) => Ok(found) if found.items.is_empty(),
        assistants.find(ours.assistant.id) => Ok(None),
        assistants.lock(ours.assistant.id) => Ok(None),
        assistants.lock_whole(ours.assistant.id) => Ok(Whole::Missing),
        assistants.list(page()) => Ok(found) if found.items == [theirs.assistant.clone()],
        assistants.next_number(ours.assistant.id) => Ok(1),
        assistants.version(ours.assistant.id, 1) => Ok(None),
        assistants.published(ours.assistant.id) => Ok(None),
        assistants.versions(ours.assistant.id, None, 9) => Ok(found) if found.is_empty(),
        kept_answers.find(&kept, at(1)) => Ok(None),
        kept_answers.keep(&kept, &kept_answer, at(9)) => Err(StorageError::Constraint { .. }),
        knowledge.head(ours.assistant.id) => Ok(None),
        knowledge.revision(ours.assistant.id) => Ok(None),
        knowledge.census(ours.assistant.id) => Ok(census) if census == &replyx_storage::knowledge::Census::default(),
        knowledge.answer_hashes(ours.assistant.id) => Ok(found) if found.is_empty(),
        knowledge.documents(ours.assistant.id) => Ok(found) if found.is_empty(),
        knowledge.assistants(ours.document.id) => Ok(found) if found.is_empty(),
        knowledge.lock(&[ours.document.id], &[ours.assistant.id]) => Ok(()),
        knowledge.link(ours.assistant.id, ours.document.id) => Err(StorageError::Constraint { .. }),
        knowledge.unlink(ours.assistant.id, ours.document.id) => Ok(false),
        knowledge.changed(ours.document.id) => Ok(()),
        audit.list(&all, page()) => Ok(found) if found.items.is_empty(),
        bots.find(ours.bot.id) => Ok(None),
        bots.lock(ours.bot.id) => Ok(None),
        bots.credentials(ours.bot.id) => Ok(None),
        bots.list(page()) => Ok(found) if found.items.iter().all(|b| b.workspace_id == theirs.id),
        bots.has_moved(ours.bot.id) => Ok(false),
        bots.lock_former(ours.bot.telegram_id, ours.assistant.id) => Ok(None),
        channels.find(ours.bot.id) => Ok(None),
        channels.access(ours.bot.id) => Ok(None),
        channels.lock(ours.bot.id) => Ok(None),
        channels.list(page()) => Ok(found) if found.items.iter().all(|c| c.workspace_id == theirs.id),
        channels.count_of(ours.assistant.id) => Ok(0),
        channels.count(ChannelKind::Telegram) => Ok(1),
        channels.set_poll_offset(ours.bot.id, 77) => Ok(()),
        contacts.meet(ours.bot.id, &given::inbound(7), id(), at(1)) => Err(StorageError::Constraint { .. }),
        contacts.find(ours.contact.id) => Ok(None),
        contacts.follow(ours.bot.id, &ours.contact.address, &8.into()) => Ok(followed) if followed.is_empty(),
        contacts.day(ours.contact.id, day) => Ok(found) if *found == replyx_storage::contacts::ContactDay::default(),
        contacts.answered(ours.contact.id, day) => Err(StorageError::Constraint { .. }),
        contacts.told(ours.contact.id, day, LimitBound::Day, at(1)) => Err(StorageError::Constraint { .. }),
        contacts.lock(ours.contact.id) => Ok(None),
        dialogs.find(ours.dialog.id) => Ok(None),
        dialogs.lock(ours.dialog.id) => Ok(None),
        dialogs.context(ours.dialog.id, day) => Ok(None),
        dialogs.lock_open(ours.contact.id) => Ok(None),
        dialogs.lock_closed(ours.contact.id) => Ok(None),
        dialogs.summary(ours.dialog.id) => Ok(None),
        dialogs.set_summary(ours.dialog.id, "x", 9) => Ok(()),
        dialogs.list(page()) => Ok(found) if found.items == [theirs.dialog.clone()],
        documents.find(ours.document.id) => Ok(None),
        documents.lock(ours.document.id) => Ok(None),
        documents.list(DocumentFilter::default(), page()) => Ok(found) if found.items.is_empty(),
        documents.list_with_originals(DocumentFilter::default(), page()) => Ok(found) if found.items.is_empty(),
        documents.list(DocumentFilter { assistant: Some(ours.assistant.id), ..DocumentFilter::default() }, page()) => Ok(found) if found.items.is_empty(),
        documents.original(ours.document.id) => Ok(None),
        documents.text(ours.document.id) => Ok(None),
        documents.text_part(ours.document.id, 0, 10) => Ok(None),
        documents.set_text(ours.document.id, Some("x")) => Err(StorageError::RowsAffected { actual: 0, .. }),
        documents.rescope(ours.document.id) => Ok(()),
        documents.set_indexed(ours.document.id, 1, 9) => Err(StorageError::RowsAffected { actual: 0, .. }),
        documents.set_index_version(ours.document.id, 9) => Err(StorageError::RowsAffected { actual: 0, .. }),
        documents.of_name(ours.assistant.id, &ours.document.name, 9) => Ok(found) if found.is_empty(),
        slas.policy(ours.assistant.id) => Ok(found) if found.is_empty(),
        slas.find(ours.dialog.id) => Ok(None),
        slas.pauses(ours.dialog.id) => Ok(found) if found.is_empty(),
        pauses.find(ours.assistant.id) => Ok(None),
        pauses.interrupt(ours.assistant.id) => Ok(()),
        pauses.last_reply(ours.dialog.id) => Ok(None),
        attachments.find(ours.attachment.id) => Ok(None),
        attachments.lock(ours.attachment.id) => Ok(None),
        attachments.content(ours.attachment.id) => Ok(None),
        attachments.of_messages(ours.dialog.id, 0, 9) => Ok(found) if found.is_empty(),
        outbox.is_canceled_beside(ours.message.id, id()) => Ok(false),
        uploads.attach(ours.upload.id, &message) => Ok(None),
        uploads.delete(ours.upload.id) => Ok(false),
        uploads.insert(&upload, Content::Inline(b"x")) => Ok(()),
        files.bytes() => Ok(0..),
        replacements.find(ours.document.id) => Ok(None),
        replacements.original(ours.document.id) => Ok(None),
        replacements.put(ours.document.id, &given::replacement(), b"x", at(1)) => Err(StorageError::Constraint { .. }),
        replacements.rename(ours.document.id, "x") => Ok(()),
        replacements.staged(ours.document.id) => Ok(None),
        replacements.stage(ours.document.id, id(), at(1)) => Err(StorageError::RowsAffected { actual: 0, .. }),
        replacements.apply(ours.document.id) => Err(StorageError::RowsAffected { actual: 0, .. }),
        replacements.forget(ours.document.id) => Ok(()),
        upload_days.bytes(day) => Ok(0),
        upload_days.add(day, 7) => Ok(7),
        upload_days.fetched(day) => Ok(0),
        upload_days.add_fetched(day, 7) => Ok(7),
        documents.index_version(ours.document.id) => Ok(0),
        documents.twin(ours.assistant.id, &ours.document.name, &ours.document.content_hash) => Ok(None),
        documents.of_page(ours.source.id, "https://example.org/") => Ok(None),
        ledger.find() => Ok(None),
        ledger.lock() => Ok(None),
        ledger.total_before(at(99)) => Ok(Money::ZERO),
        ledger.added_since(at(0)) => Ok(found) if found.is_empty(),
        ledger.open(at(1)) => Ok(()),
        ledger.post(&given::paid(theirs.id)) => Ok(()),
        ledger.posted(&format!("credit:{}", ours.id)) => Ok(found) if found.is_empty(),
        ledger.list(&EntryFilter::default(), page()) => Ok(found) if found.items.iter().all(|e| e.workspace_id == theirs.id),
        trials.find() => Ok(None),
        trials.end(at(1)) => Ok(false),
        trials.mark("mailbox", &ours.id.to_string(), at(1)) => Ok(false),
        trials.insert(1, at(1), at(2)) => Ok(true),
        balance_notices.list() => Ok(found) if found.is_empty(),
        balance_notices.forget(BalanceNotice::Low) => Ok(()),
        balance_notices.note(BalanceNotice::Low, at(1)) => Ok(true),
        credits.insert(&Credit { workspace_id: theirs.id, ..given::credit(ours.id) }) => Ok(false),
        credits.left() => Ok(found) if found.is_empty(),
        credits.list() => Ok(found) if found.is_empty(),
        credits.of_source(CreditSource::Transfer, &ours.id.to_string()) => Ok(None),
        credits.draw(given::credit(ours.id).id, Money::from_micros(1)) => Err(StorageError::RowsAffected { actual: 0, .. }),
        holds.find(given::hold(ours.id, ours.dialog.id).id) => Ok(None),
        holds.of_dialog(ours.dialog.id) => Ok(None),
        holds.list(9) => Ok(found) if found.is_empty(),
        holds.renew(given::hold(ours.id, ours.dialog.id).id, at(99)) => Ok(false),
        holds.delete(given::hold(ours.id, ours.dialog.id).id) => Ok(false),
        holds.insert(&given::hold(theirs.id, ours.dialog.id)) => Ok(()),
        model_calls.of_dialog(ours.dialog.id) => Ok(totals) if totals.calls == 0,
        model_calls.by_day(None, day, day, 9) => Ok(found) if found.is_empty(),
        model_calls.by_day(Some(ours.assistant.id), day, day, 9) => Ok(found) if found.is_empty(),
        model_calls.begin(&[given::call(ours.assistant.id, None)], id()) => Ok(()),
        model_calls.insert(&[given::call(ours.assistant.id, None)]) => Ok(()),
        question_sets.find(ours.set.id) => Ok(None),
        question_sets.lock(ours.set.id) => Ok(None),
        question_sets.questions(ours.set.id) => Ok(found) if found.is_empty(),
        question_sets.list(ours.assistant.id, page()) => Ok(found) if found.items.is_empty(),
        runs.lock(ours.run.id) => Ok(None),
        runs.find(ours.run.id) => Ok(None),
        runs.list(ours.set.id, page()) => Ok(found) if found.items.is_empty(),
        runs.results(ours.run.id) => Ok(None),
        runs.newest_with_answers(ours.set.id, &ours.run.settings_hash) => Ok(None),
        runs.unfinished(ours.set.id) => Ok(0),
        runs.prune(ours.set.id, 0) => Ok(0),
        sources.find(ours.source.id) => Ok(None),
        sources.lock(ours.source.id) => Ok(None),
        sources.list(None, page()) => Ok(found) if found.items.is_empty(),
        sources.list(Some(ours.assistant.id), page()) => Ok(found) if found.items.is_empty(),
        sources.count() => Ok(0),
        events.after(0, 100) => Ok(found) if found.len() == 3,
        events.of_dialog(ours.dialog.id, 0, 9) => Ok(found) if found.is_empty(),
        events.first() => Ok(Some(1)),
        events.head() => Ok(3),
        invitations.list(page()) => Ok(found) if found.items.is_empty(),
        invitations.lock(ours.invitation.id) => Ok(None),
        jobs.enqueue(id::<JobId>(), Kind::light("x"), &json, at(1)) => Ok(()),
        jobs.waiting(Kind::light("index"), 9) => Ok(0),
        jobs.enqueue_once(id::<JobId>(), Kind::light("x"), &json, at(1)) => Ok(()),
        members.find(ours.user.id) => Ok(None),
        members.list(page()) => Ok(found) if found.items.iter().all(|m| m.user_id == theirs.user.id),
        members.lock_owners() => Ok(found) if found[..] == [theirs.user.id],
        members.owners_mail() => Ok(found) if found.iter().all(|(email, _)| *email == theirs.user.email),
        messages.heard(ours.bot.id, &ours.contact.address, &5.into()) => Ok(None),
        messages.last_heard(ours.dialog.id) => Ok(None),
        messages.spoken(ours.dialog.id, 99, 10) => Ok(found) if found.is_empty(),
        messages.list(ours.dialog.id, page()) => Ok(found) if found.items.is_empty(),
        messages.answers(ours.dialog.id, 99, 10) => Ok(found) if found.is_empty(),
        messages.shown(ours.dialog.id, page()) => Ok(found) if found.items.is_empty(),
        messages.find(ours.message.id) => Ok(None),
        messages.by_client(ours.dialog.id, "1") => Ok(None),
        messages.reply_after(ours.dialog.id, 0, None) => Ok(None),
        messages.operator_spoke(ours.dialog.id, 0) => Ok(false),
        messages.known_operator(ours.dialog.id) => Ok(None),
        outbox.has_followed(id()) => Ok(false),
        outbox.follow(ours.bot.id, &ours.contact.address, &8.into(), None) => Ok(()),
        outbox.enqueue(&dialog, &ours.contact, ours.message.id, &[(id(), text.clone())], at(1))
            => Err(StorageError::Constraint { .. }),
        outbox.sent(send.id, by, Some(&5.into()), at(1)) => Ok(false),
        outbox.put_back(&send, by, at(1), "x", true) => Ok(()),
        outbox.failed(&send, by, "x", true, at(1)) => Ok(false),
        inbox.list(nobody, InboxFilter::default(), InboxOrder::Newest { after: None }, 9)
            => Ok(page) if page.items.iter().all(|entry| entry.dialog == theirs.dialog),
        inbox.list(nobody, InboxFilter::default(), InboxOrder::Activity { after: None }, 9)
            => Ok(page) if page.items.is_empty(),
        inbox.list(nobody, InboxFilter::default(), InboxOrder::Waiting { after: None }, 9)
            => Ok(page) if page.items.is_empty(),
        inbox.counts(nobody, at(0)) => Ok(counts) if *counts == InboxCounts { ai: 1, ..InboxCounts::default() },
        inbox.read(id(), ours.dialog.id, 1) => Err(StorageError::Constraint { .. }),
        inbox.list(nobody, InboxFilter { tag: Some(tag.id), ..InboxFilter::default() }, InboxOrder::Newest { after: None }, 9)
            => Ok(page) if page.items.is_empty(),
        inbox.list(nobody, InboxFilter { tag: Some(tag.id), ..InboxFilter::default() }, InboxOrder::Activity { after: None }, 9)
            => Ok(page) if page.items.is_empty(),
        inbox.search(nobody, InboxFilter::default(), InboxOrder::Newest { after: None }, 9, words.clone())
            => Ok(page) if page.items.is_empty(),
        inbox.search(nobody, InboxFilter::default(), InboxOrder::Activity { after: None }, 9, words.clone())
            => Ok(page) if page.items.is_empty(),
        dialog_terms.add(&[given::dialog_term(ours.dialog.id)]) => Ok(()),
        dialog_terms.replace(&unindexed, &[given::dialog_term(ours.dialog.id)]) => Ok(()),
        dialog_terms.name(ours.dialog.id) => Ok(None),
        dialog_terms.texts(ours.dialog.id, 0, 9, 9) => Ok(found) if found.is_empty(),
        dialog_terms.followed() => Ok(None),
        dialog_terms.follow(&log, 9) => Ok(false),
        dialog_terms.begin(1) => Ok(()),
        dialog_terms.mark(9) => Ok(()),
        tags.find(tag.id) => Ok(None),
        tags.lock(tag.id) => Ok(None),
        tags.list(page()) => Ok(found) if found.items.is_empty(),
        tags.count() => Ok(0),
        tags.of_dialogs(&[ours.dialog.id]) => Ok(found) if found.is_empty(),
        snoozes.find(ours.dialog.id) => Ok(None),
        canned_replies.find(canned.id) => Ok(None),
        canned_replies.lock(canned.id) => Ok(None),
        canned_replies.list(Some("hi"), page()) => Ok(found) if found.items.is_empty(),
        canned_replies.count() => Ok(0),
        drafts.find(ours.user.id, ours.dialog.id) => Ok(None),
        drafts.put(ours.user.id, ours.dialog.id, &draft) => Err(StorageError::Constraint { .. }),
        drafts.delete(ours.user.id, ours.dialog.id) => Ok(()),
        inbox_views.find(ours.user.id) => Ok(None),
        inbox_views.lock(ours.user.id) => Ok(None),
        inbox_views.put(ours.user.id, &given::views()) => Err(StorageError::Constraint { .. }),
        bulk_items.insert(&BulkItem { workspace_id: theirs.id, ..bulk.clone() })
            => Err(StorageError::Constraint { .. }),
        bulk_items.dialogs(bulk.bulk_id, bulk.actor_id, at(-1)) => Ok(found) if found.is_empty(),
        bulk_items.take(bulk.bulk_id, ours.dialog.id) => Ok(None),
        waits.taken(at(0), 9) => Ok(waits) if waits.is_empty(),
        waits.before(at(1_000_000), id()) => Ok(0),
        waits.left_by(ours.dialog.id) => Ok(None),
        member_mail.lock() => Ok(0),
        member_mail.events(0, 9_999) => Ok(found) if found.iter().all(|one| one.event.subject().dialog_id != Some(ours.dialog.id)),
        member_mail.read_to(0) => Ok(()),
        member_mail.note(&given::mention(&ours), at(9)) => Ok(()),
        member_mail.take(ours.user.id, at(9), at(0)) => Ok(found) if found.is_empty(),
        member_mail.begin(ours.user.id, at(9), at(1)) => Ok(false),
        member_mail.addressee(ours.user.id) => Ok(None),
        member_mail.forget(ours.user.id, at(9_999)) => Ok(()),
        waits.plan(&given::unplanned(&ours), Some(at(1))) => Ok(()),
        waits.is_due(ours.dialog.id, at(1_000_000)) => Ok(false),
        waits.end_notice(ours.dialog.id, WaitNotice::Given) => Err(StorageError::RowsAffected { actual: 0, .. }),
        waits.summary(9) => Ok((0, None)),
        operators.find(ours.user.id) => Ok(None),
        operators.lock(ours.user.id) => Ok(None),
        operators.assigned(ours.user.id, at(9)) => Err(StorageError::RowsAffected { actual: 0, .. }),
        operators.seats(ChannelKind::Telegram, at(0), None) => Ok(seats) if seats.is_empty(),
        operators.is_anybody_online(at(0)) => Ok(false),
        operators.list(page()) => Ok(found) if found.items.iter().all(|it| it.user_id == theirs.user.id),
        operators.held(ours.user.id) => Ok(held) if held.is_empty(),
        operators.all_held(9) => Ok(held) if held.is_empty(),
        operators.sent_since(at(0)) => Ok(sent) if sent.is_empty(),
        operators.last_of(ours.contact.id) => Ok(None),
        waits.list(None, 9) => Ok(waiting) if waiting.is_empty(),
        messages.is_step_of_program(ours.dialog.id, 1, ControlStep::Release) => Ok(false),
        outbox.uncertain(ours.message.id) => Ok(0),
        outbox.retry(ours.message.id, at(1)) => Ok(0),
        outbox.parts(ours.message.id) => Ok(parts) if parts.is_empty(),
        outbox.cancel(&dialog, &ours.contact, at(1)) => Ok(messages) if messages.is_empty(),
        passages.change(id(), &given::all_new(&given_passages())) => Err(StorageError::Constraint { .. }),
        passages.change(ours.document.id, &theft) => Ok(()),
        passages.add(ours.document.id, ours.document.id, &given_passages()) => Err(StorageError::Constraint { .. }),
        passages.hand_over(ours.document.id, id()) => Ok(()),
        passages.retire(&[ours.passages[0].id], ours.document.id) => Ok(()),
        passages.of(ours.document.id) => Ok(found) if found.is_empty(),
        passages.reuse_vectors(ours.document.id, "e5") => Ok(0),
        passages.unembedded(ours.document.id, "e5", 9) => Ok(found) if found.is_empty(),
        passages.add_vectors("e5", &[(ours.passages[1].id, vec![1; 8])]) => Ok(()),
        passages.without_runs(ours.document.id, "e5", 9) => Ok(found) if found.is_empty(),
        passages.add_runs("e5", &[(ours.passages[0].id, vec![1; 8])]) => Ok(()),
        passages.runs(&[ours.passages[0].id], "e5") => Ok(found) if found.is_empty(),
        passages.embedded_with(ours.assistant.id) => Ok(found) if found.is_empty(),
        passages.indexed(ours.assistant.id, ours.document.id, ours.document.id) => Ok(found) if found.is_empty(),
        passages.indexed_vectors(ours.assistant.id, ours.document.id, ours.document.id, "e5")
            => Ok(found) if found.is_empty(),
        passages.vectors(&[ours.document.id], "e5") => Ok(found) if found.is_empty(),
        passages.words(&[ours.document.id]) => Ok(found) if found.is_empty(),
        passages.frequencies(ours.assistant.id, &terms) => Ok(found) if found[..] == [0],
        passages.candidates(ours.assistant.id, &terms, None, 10) => Ok(found) if found.is_empty(),
        passages.load(&passage_ids) => Ok(found) if found.is_empty(),
        turns.request(ours.dialog.id, at(1), at(1)) => Err(StorageError::Constraint { .. }),
        turns.finish(ours.dialog.id, by) => Ok(false),
        turns.hand_back(ours.dialog.id, by, at(1), replyx_storage::turns::Attempts::Reset) => Ok(false),
        turns.wait(ours.dialog.id, by, at(1), replyx_storage::turns::LateQuestion { after: 0, until: at(2), tries: 0 })
            => Ok(false),
        turns.count() => Ok(0),
        turns.forget_waiting(at(9)) => Ok(0),
        deliveries.take(ours.bot.id, &100.into(), at(1)) => Err(StorageError::Constraint { .. }),
    }
    let refused = |answer: Result<(), StorageError>, what: &str| {
        let constraint = matches!(answer, Err(StorageError::Constraint { .. }));
        let untouched = matches!(answer, Err(StorageError::RowsAffected { actual: 0, .. }));
        assert!(constraint || untouched, "{what}: {answer:?}");
    };
    let mut applied = Vec::new();
    let questions = given::questions();
    let content = |questions| QuestionSetContent { set: set.clone(), questions };
    let attachment = MessageFile { workspace_id: theirs.id, ..ours.attachment.clone() };
    let file = || DocumentFile { document: document.clone(), content: Content::Inline(b"x") };
    let member = given::member(theirs.id, ours.user.id, Role::Viewer, at(1));
    let invitation = Invitation { workspace_id: theirs.id, ..ours.invitation.clone() };
    let key = ApiKey { workspace_id: theirs.id, ..ours.key.clone() };
    states! { db, applied, refused;
        "Member": member.clone();
        "Deleted<Member>": Deleted(member.clone());
        "AcceptedInvitation": AcceptedInvitation {
            invitation: invitation.clone(),
            member: member.clone(),
        };
        "Deleted<Invitation>": Deleted(invitation.clone());
        "ApiKey": key.clone();
        "Deleted<ApiKey>": Deleted(key.clone());
        "New<Channel>": New(channel.clone());
        "Channel": fixtures::channel_of(&bot);
        "Deleted<Channel>": Deleted(fixtures::channel_of(&bot));
        "Bot": bot.clone();
        "BotWithToken": BotWithToken { bot: bot.clone(), token_sealed: b"x".to_vec() };
        "MovedAway": MovedAway(bot.clone());
        "Assistant": assistant.clone();
        "Deleted<Assistant>": Deleted(assistant.clone());
        "Publication": Publication {
            workspace_id: theirs.id,
            assistant_id: ours.assistant.id,
            version: given::version(&ours.assistant, 2),
        };
        "AssistantSla": AssistantSla {
            workspace_id: theirs.id,
            assistant_id: ours.assistant.id,
            policy: SlaPolicy { first_reply: Some(Duration::from_mins(1)), next_reply: None },
        };
        "DialogSla": DialogSla {
            workspace_id: theirs.id,
            dialog_id: ours.dialog.id,
            read_seq: 1,
            running: None,
        };
        "Pause": Pause {
            workspace_id: theirs.id,
            assistant_id: ours.assistant.id,
            since: at(1),
            text: None,
        };
        "Deleted<Pause>": Deleted(Pause {
            workspace_id: theirs.id,
            assistant_id: ours.assistant.id,
            since: at(1),
            text: None,
        });
        "RolledBack": RolledBack { workspace_id: theirs.id, assistant_id: ours.assistant.id, number: 1 };
        "New<QuestionSetContent<'_>>": New(content(Some(&questions)));
        "QuestionSetContent<'_>": content(None);
        "QuestionSetContent<'_>": content(Some(&questions));
        "Deleted<QuestionSet>": Deleted(set.clone());
        "Document": document.clone();
        "DocumentFile<'_>": file();
        "WaitingFile<'_>": WaitingFile {
            document: document.clone(),
            file: given::replacement(),
            content: Content::Inline(b"x"),
            at: at(1),
        };
        "Linked": Linked {
            workspace_id: theirs.id,
            document_id: ours.document.id,
            assistant_id: theirs.assistant.id,
        };
        "Unlinked": Unlinked {
            workspace_id: theirs.id,
            document_id: ours.document.id,
            assistant_id: ours.assistant.id,
        };
        "Deleted<Document>": Deleted(document.clone());
        "New<Source>": New(source.clone());
        "Source": source.clone();
        "Deleted<Source>": Deleted(source.clone());
        "New<Run>": New(run.clone());
        "Run": run.clone();
        "MeasuredRun": MeasuredRun { run: run.clone(), results: Vec::new() };
        "Contact": Contact { workspace_id: theirs.id, ..ours.contact.clone() };
        "New<Dialog>": New(dialog.clone());
        "Dialog": dialog.clone();
        "Utterance": Utterance::new(dialog.clone(), message.clone());
        "Edited": Edited { dialog: dialog.clone(), message: ours.message.clone() };
        "Presence": Presence::of_nobody(theirs.id, id(), at(1));
        "Tag": Tag { workspace_id: theirs.id, ..tag.clone() };
        "Deleted<Tag>": Deleted(Tag { workspace_id: theirs.id, ..tag.clone() });
        "DialogTags": DialogTags { workspace_id: theirs.id, ..given::dialog_tags(ours.id, &ours.dialog) };
        "Snooze": given::snooze(theirs.id, &ours.dialog);
        "EndedSnooze": EndedSnooze { snooze: given::snooze(theirs.id, &ours.dialog), at: at(0) };
        "CannedReply": CannedReply { workspace_id: theirs.id, ..canned.clone() };
        "Deleted<CannedReply>": Deleted(CannedReply { workspace_id: theirs.id, ..canned.clone() });
        "CorrectedAct": CorrectedAct {
            workspace_id: theirs.id,
            message_id: ours.message.id,
            act: MessageAct::Thanks,
        };
        "New<MessageFile>": New(attachment.clone());
        "MessageFile": attachment.clone();
        "StoredMessageFile<'_>": StoredMessageFile {
            file: attachment.clone(),
            content_hash: "x".to_owned(),
            content: Content::Inline(b"x"),
        };
        "MessageDelivery": MessageDelivery {
            workspace_id: theirs.id,
            message_id: ours.message.id,
            delivery: Delivery::Failed,
        };
    }
    // What is new under an id of ours is another one in their workspace.
    commit!(db, |tx| tx.apply(fixtures::unexplained(New(assistant.clone()))));
    applied.push("New<Assistant>".to_owned());
    commit!(db, |tx| tx.apply(fixtures::unexplained(New(member))));
    applied.push("New<Member>".to_owned());
    commit!(db, |tx| given::invite(&mut tx, &invitation, "x"));
    applied.push("New<SentInvitation>".to_owned());
    commit!(db, |tx| given::store_key(&mut tx, &key, "x"));
    applied.push("New<HashedKey>".to_owned());
    commit!(db, |tx| tx.apply(fixtures::registered(new_bot, b"x", "x")));
    applied.push("New<NewBot>".to_owned());
    commit!(db, |tx| tx.apply(fixtures::unexplained(New(file()))));
    commit!(db, |tx| tx
        .apply(fixtures::unexplained(New(Tag { workspace_id: theirs.id, ..tag.clone() }))));
    applied.push("New<Tag>".to_owned());
    commit!(db, |tx| tx.apply(fixtures::unexplained(New(CannedReply {
        workspace_id: theirs.id,
        ..canned.clone()
    }))));
    applied.push("New<CannedReply>".to_owned());
    applied.push("New<DocumentFile<'_>>".to_owned());
    assert_eq!(given::rows(&home.url, Some(ours.id)).await, before);

    applied.sort_unstable();
    applied.dedup();
    assert_eq!(applied, states(), "a state is missing here");
    called.sort_unstable();
    called.dedup();
    assert_eq!(called, functions_of_a_workspace(), "a function is missing here");
}

fn at_theirs_set(
    ours: &given::Tenant,
    theirs: replyx_core::ids::WorkspaceId,
) -> replyx_core::evaluation::QuestionSet {
    replyx_core::evaluation::QuestionSet { workspace_id: theirs, ..ours.set.clone() }
}

fn given_passages() -> Vec<replyx_storage::passages::NewPassage> {
    vec![given::passage("x")]
}

#[on_every_db]
#[allow(clippy::too_many_lines, reason = "one look per reference")]
async fn no_row_can_point_into_another_workspace(home: &TestDb) {
    let db = &home.db;
    let ours = given::tenant(db).await;
    let theirs = given::tenant(db).await;
    ours.fill(db).await;
    theirs.fill(db).await;
    let contact_of_ours = ours.contact.clone();
    let fetched = replyx_core::knowledge::Document {
        page: Some(replyx_core::knowledge::WebPage {
            source_id: ours.source.id,
            url: "https://example.org/".to_owned(),
            etag: None,
            last_modified: None,
            misses: 0,
        }),
        ..given::document(theirs.id, theirs.assistant.id)
    };
    let new = replyx_core::dialog::Dialog {
        id: id(),
        control: replyx_core::dialog::Control::Closed,
        ..theirs.dialog.clone()
    };
    let refused = |answer: Result<(), StorageError>, what: &str| {
        assert!(matches!(answer, Err(StorageError::Constraint { .. })), "{what}: {answer:?}");
    };
    macro_rules! refused {
        ($($what:literal: $table:ident.$function:ident($($arg:expr),* $(,)?);)+) => {$({
            let mut tx = db.begin().await.unwrap();
            refused(tx.workspace(theirs.id).$table().$function($($arg),*).await.map(drop), $what);
        })+};
        ($($what:literal: $state:expr;)+) => {$({
            let call = async {
                let mut tx = db.begin().await.unwrap();
                refused(tx.apply(fixtures::unexplained($state)).await.map(drop), $what);
            };
            Box::pin(call).await;
        })+};
    }
    let dialog_with = |change: fn(&mut replyx_core::dialog::Dialog, &given::Tenant)| {
        let mut dialog = new.clone();
        change(&mut dialog, &ours);
        dialog
    };
    let contact = &theirs.contact;
    let text = Outbound::text("x", None);
    refused! {
        "passage's document": passages.change(ours.document.id, &given::all_new(&given_passages()));
        "document's other assistant": knowledge.link(ours.assistant.id, theirs.document.id);
        "assistant's other document": knowledge.link(theirs.assistant.id, ours.document.id);
        "turn's dialog": turns.request(ours.dialog.id, at(1), at(1));
        "part's contact":
            outbox.enqueue(&theirs.dialog, &contact_of_ours, theirs.message.id, &[(id(), text.clone())], at(1));
        "part's message":
            outbox.enqueue(&theirs.dialog, contact, ours.message.id, &[(id(), text.clone())], at(1));
        "part's dialog":
            outbox.enqueue(&ours.dialog, contact, theirs.message.id, &[(id(), text.clone())], at(1));
    }
    refused! {
        "member": New(given::member(theirs.id, given::stranger(), Role::Owner, at(1)));
        "bot's assistant": New(NewBot {
            bot: given::bot(theirs.id, ours.assistant.id),
            token_sealed: b"x".to_vec(),
            hook_path: "x".to_owned(),
        });
        "document's assistant": New(DocumentFile {
            document: given::document(theirs.id, ours.assistant.id),
            content: Content::Inline(b"x"),
        });
        "document's source": New(DocumentFile { document: fetched.clone(), content: Content::Inline(b"x") });
        "set's assistant": New(QuestionSetContent {
            set: given::question_set(theirs.id, ours.assistant.id),
            questions: Some(&[]),
        });
        "version's assistant": Publication {
            workspace_id: theirs.id,
            assistant_id: ours.assistant.id,
            version: given::version(&theirs.assistant, 9),
        };
        "source's assistant": New(given::source(theirs.id, ours.assistant.id));
        "run's set": New(replyx_core::evaluation::Run { set_id: ours.set.id, ..given::run(&theirs.set) });
        "dialog's assistant": New(dialog_with(|d, ours| d.assistant_id = ours.assistant.id));
        "dialog's bot": New(dialog_with(|d, ours| d.channel_id = ours.bot.id));
        "dialog's contact": New(dialog_with(|d, ours| d.contact_id = ours.contact.id));
        "attachment's message": New(MessageFile { message_id: ours.message.id, ..given::attachment(&theirs.message) });
        "attachment's dialog": New(MessageFile { dialog_id: ours.dialog.id, ..given::attachment(&theirs.message) });
        "message's dialog": New(given::message(theirs.id, ours.dialog.id, 5));
    }
}

#[on_every_db]
async fn deleting_a_workspace_deletes_all_of_it_and_nothing_else(home: &TestDb) {
    let db = &home.db;
    let doomed = given::tenant(db).await;
    let other = given::tenant(db).await;
    doomed.fill(db).await;
    other.fill(db).await;
    let before = given::rows(&home.url, Some(other.id)).await;
    let logged = given::rows(&home.url, Some(doomed.id)).await;
    assert!(before.values().all(|rows| !rows.is_empty()), "{before:?}");

    let mut tx = db.begin().await.unwrap();
    given::end(&mut tx, doomed.id).await.unwrap();
    tx.commit().await.unwrap();

    assert_eq!(given::rows(&home.url, Some(other.id)).await, before);
    let mut left = given::rows(&home.url, Some(doomed.id)).await;
    for table in [
        "audit_entries",
        "audit_heads",
        "model_calls",
        "ledger_balances",
        "ledger_entries",
        "ledger_holds",
        "ledger_credits",
        "ledger_seals",
        "ledger_trials",
        "trial_marks",
    ] {
        let stayed = left.remove(table);
        assert_eq!(stayed.as_ref(), Some(&logged[table]), "what was done and paid for stays known");
    }
    assert!(left.values().all(Vec::is_empty), "{left:?}");
    let mut tx = db.read().await.unwrap();
    assert_eq!(tx.system().workspaces().find(doomed.id).await.unwrap(), None);
    assert!(tx.system().users().find(doomed.user.id).await.unwrap().is_some());
    let terms = vec!["доставк".to_owned()];
    let found =
        tx.workspace(other.id).passages().frequencies(other.assistant.id, &terms).await.unwrap();
    assert_eq!(found, [1]);
    drop(tx);

    let mut tx = db.begin().await.unwrap();
    let again = given::end(&mut tx, doomed.id).await;
    assert!(matches!(again, Err(StorageError::RowsAffected { actual: 0, .. })), "{again:?}");
}

/// The states that can be applied, read from the sources.
fn states() -> Vec<String> {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/src/apply.rs");
    let source = std::fs::read_to_string(path).unwrap();
    let table = source.split("\nstates! {").nth(1).unwrap().split("\n}").next().unwrap();
    let names = table.lines().filter_map(|line| line.strip_prefix("    ")?.split_once(": |"));
    let mut names: Vec<String> = names.map(|(name, _)| name.to_owned()).collect();
    names.sort_unstable();
    names
}

/// `table.function` for everything that a workspace offers, read from the sources.
fn functions_of_a_workspace() -> Vec<String> {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/src");
    let scope = std::fs::read_to_string(format!("{folder}/scope.rs")).unwrap();
    let tables = scope.split("\ntables! {").nth(1).unwrap().split("\n}").next().unwrap();
    // Vectors in the database's own index are asked on a server that has one: see below.
    let tables =
        tables.lines().filter(|line| !line.contains("///") && !line.contains(": Neighbours"));
    let mut found = Vec::new();
    for (name, table) in
        tables.filter_map(|line| line.trim().trim_end_matches(',').split_once(": "))
    {
        let header = format!("impl {table}<'_> {{");
        let before = found.len();
        for source in sources(folder.as_ref()) {
            found.extend(functions_of(name, &header, &source));
        }
        assert!(found.len() > before, "{table} has no functions");
    }
    found.sort();
    found
}

/// The files below a folder.
fn sources(folder: &std::path::Path) -> Vec<String> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_file() {
            found.push(std::fs::read_to_string(path).unwrap());
        } else {
            found.extend(sources(&path));
        }
    }
    found
}

/// `name.function` for all public ones in a block.
fn functions_of(name: &str, header: &str, source: &str) -> Vec<String> {
    let Some(body) = source.split(header).nth(1) else { return Vec::new() };
    let body = body.split("\n}").next().unwrap();
    let functions = body.split("    pub async fn ").skip(1);
    functions.map(|text| format!("{name}.{}", text.split('(').next().unwrap())).collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn another_workspace_finds_and_changes_nothing_in_the_index_of_vectors() {
    let home = pgvector().await;
    let db = &home.db;
    let ours = given::tenant(db).await;
    let theirs = given::tenant(db).await;
    ours.fill(db).await;
    assert!(matches!(db.create_vector_index().await.unwrap(), VectorIndex::Ready(_)));
    let mut tx = db.begin().await.unwrap();
    let vector = [1.0_f32, 0.5].iter().flat_map(|x| x.to_le_bytes()).collect::<Vec<u8>>();
    let one = ours.passages[0].id;
    let two = ours.passages[1].id;
    let scope = ours.id;
    let assistant = ours.assistant.id;
    let documents = [ours.document.id];
    tx.workspace(scope).passages().add_vectors("e5", &[(two, vector)]).await.unwrap();
    assert!(tx.system().neighbours().prepare(2).await.unwrap());
    tx.workspace(scope).neighbours().begin(assistant, "e5", 2).await.unwrap();
    let vectors = tx.workspace(scope).neighbours().uncopied(&documents, "e5", 2, 9).await.unwrap();
    assert_eq!(vectors.len(), 2);
    tx.commit().await.unwrap();
    let copied = given::rows(&home.url, Some(ours.id)).await;
    let mut called = Vec::new();
    // Nothing of ours is copied for them, neither before there are copies nor after.
    answers! { db, theirs.id, called;
        neighbours.copy("e5", 2, &vectors) => Ok(()),
    }
    assert_eq!(given::rows(&home.url, None).await["neighbours_2"], Vec::<String>::new());
    assert_eq!(given::rows(&home.url, Some(ours.id)).await, copied);

    let mut tx = db.begin().await.unwrap();
    tx.workspace(scope).neighbours().copy("e5", 2, &vectors).await.unwrap();
    assert!(tx.workspace(scope).neighbours().complete(assistant, "e5", 1).await.unwrap());
    let set = tx.workspace(scope).neighbours().sets(assistant).await.unwrap().remove(0);
    let nearest =
        tx.workspace(scope).neighbours().nearest(assistant, &set, &[1.0, 0.5], None, 9).await;
    // The other vector is no direction, so it is never found.
    assert_eq!(nearest.unwrap(), [two]);
    tx.commit().await.unwrap();
    let before = given::rows(&home.url, Some(ours.id)).await;
    assert_eq!(before["neighbours_2"].len(), 2);
    let question = [1.0, 0.5];
    answers! { db, theirs.id, called;
        neighbours.sets(assistant) => Ok(found) if found.is_empty(),
        neighbours.width(assistant, "e5") => Ok(None),
        neighbours.begin(assistant, "e5", 2) => Err(StorageError::Constraint { .. }),
        neighbours.behind(assistant, "e5", 2, 9) => Ok(found) if found.is_empty(),
        neighbours.uncopied(&documents, "e5", 2, 9) => Ok(found) if found.is_empty(),
        neighbours.copy("e5", 2, &vectors) => Ok(()),
        neighbours.complete(assistant, "e5", 9) => Ok(false),
        neighbours.forget(assistant, "e5") => Ok(()),
        neighbours.nearest(assistant, &set, &question, None, 9) => Ok(found) if found.is_empty(),
        neighbours.nearest(assistant, &set, &question, Some(&documents), 9) => Ok(found) if found.is_empty(),
        neighbours.terms(&[one, two]) => Ok(found) if found.is_empty(),
        neighbours.vectors(&[one, two], "e5") => Ok(found) if found.is_empty(),
    }
    assert_eq!(given::rows(&home.url, Some(ours.id)).await, before);

    called.sort_unstable();
    called.dedup();
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/src");
    let mut all: Vec<String> = Vec::new();
    for file in ["neighbours.rs", "neighbours/fill.rs", "neighbours/nearest.rs"] {
        let source = std::fs::read_to_string(format!("{folder}/{file}")).unwrap();
        all.extend(functions_of("neighbours", "impl Neighbours<'_> {", &source));
    }
    all.sort();
    assert_eq!(called, all, "a function is missing here");
}
