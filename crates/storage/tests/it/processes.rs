use replyx_storage::{on_every_db, processes::Reaped};

use crate::given::{self, at, id, sendable};

on_every_db! {
    async fn only_what_the_dead_held_is_freed(home: &TestDb) {
        let db = &home.db;
        let (alive, dead) = (given::process(db, at(50)).await, given::process(db, at(0)).await);
        let ours = given::tenant(db).await;
        let theirs = given::tenant(db).await;
        for (tenant, by) in [(&ours, alive), (&theirs, dead)] {
            tenant.fill(db).await;
            let mut tx = db.begin().await.unwrap();
            assert_eq!(tx.system().turns().claim(by, at(10), 1).await.unwrap().len(), 1);
            assert_eq!(tx.system().jobs().claim(by, at(10), false, 1).await.unwrap().len(), 1);
            let send = tx.system().outbox().sendable(at(10), 1).await.unwrap().remove(0);
            assert!(tx.system().outbox().claim(&send, by, at(10)).await.unwrap());
            tx.commit().await.unwrap();
        }
        let before = given::rows(&home.url, Some(ours.id)).await;

        let reaped = commit!(db, |tx| tx.system().processes().reap(at(40), at(60)));
        assert_eq!(reaped, Reaped { turns: 1, sends: 1, jobs: 1 });
        assert_eq!(given::rows(&home.url, Some(ours.id)).await, before);

        let turns = commit!(db, |tx| tx.system().turns().claim(alive, at(60), 9));
        assert_eq!((turns.len(), turns[0].workspace_id, turns[0].attempts), (1, theirs.id, 2));
        let jobs = commit!(db, |tx| tx.system().jobs().claim(alive, at(60), false, 9));
        assert_eq!((jobs.len(), jobs[0].attempts), (1, 2));
        let sends = sendable(db, at(60)).await;
        assert_eq!((sends.len(), sends[0].workspace_id), (1, theirs.id));
        assert_eq!((sends[0].uncertain, sends[0].attempts), (1, 1));
        let again = commit!(db, |tx| tx.system().processes().reap(at(40), at(60)));
        assert_eq!(again, Reaped::default());

        // The dead one was only slow: what it still does must not last.
        assert!(!commit!(db, |tx| tx.workspace(theirs.id).turns().finish(theirs.dialog.id, dead)));
        assert!(!commit!(db, |tx| tx.workspace(theirs.id).outbox().sent(sends[0].id, dead, 1, at(61))));
    }
}

on_every_db! {
    async fn a_beat_keeps_a_process_alive(home: &TestDb) {
        let db = &home.db;
        let process = given::process(db, at(0)).await;
        let tenant = given::tenant(db).await;
        tenant.fill(db).await;
        commit!(db, |tx| tx.system().turns().claim(process, at(10), 1));
        commit!(db, |tx| tx.system().processes().beat(process, at(20)));
        let reaped = commit!(db, |tx| tx.system().processes().reap(at(20), at(30)));
        assert_eq!(reaped, Reaped::default());
        commit!(db, |tx| tx.system().processes().leave(process));
        let reaped = commit!(db, |tx| tx.system().processes().reap(at(20), at(30)));
        assert_eq!(reaped, Reaped { turns: 1, ..Reaped::default() });
    }
}

on_every_db! {
    async fn the_only_process_frees_what_all_earlier_ones_held(home: &TestDb) {
        let db = &home.db;
        let earlier = given::process(db, at(29)).await;
        let tenant = given::tenant(db).await;
        tenant.fill(db).await;
        commit!(db, |tx| tx.system().turns().claim(earlier, at(10), 1));
        let only = given::process(db, at(30)).await;
        commit!(db, |tx| tx.system().processes().keep_only(only));
        let reaped = commit!(db, |tx| tx.system().processes().reap(at(0), at(30)));
        assert_eq!(reaped, Reaped { turns: 1, ..Reaped::default() });
        assert_eq!(commit!(db, |tx| tx.system().turns().claim(id(), at(30), 1)).len(), 1);
    }
}
