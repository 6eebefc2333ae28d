use replyx_core::money::Money;
use replyx_storage::{
    Db,
    model_keys::{ModelKey, ModelProvider},
    on_every_db,
    testing::TestDb,
};

use crate::given::{self, at};

fn key(provider: &str, priority: i64) -> ModelKey {
    ModelKey {
        id: given::id(),
        provider: provider.to_owned(),
        name: "Основной".to_owned(),
        origin: Some("https://api.example.org:443".to_owned()),
        secret_sealed: vec![0, 1, 255],
        hint: "wxyz".to_owned(),
        priority,
        daily_requests: Some(10),
        monthly_requests: None,
        daily_cost: Some(Money::from_micros(3)),
        monthly_cost: None,
        enabled: true,
        fault: None,
        created_at: at(0),
        updated_at: at(0),
    }
}

fn provider(name: &str) -> ModelProvider {
    ModelProvider {
        name: name.to_owned(),
        protocol: "completions".to_owned(),
        base_url: "https://models.example/v1".to_owned(),
        created_at: at(0),
        updated_at: at(0),
    }
}

async fn list(db: &Db) -> Vec<ModelKey> {
    read!(db, |tx| tx.system().model_keys().list())
}

#[on_every_db]
async fn keys_come_back_as_they_were_stored_in_the_order_of_their_use(home: &TestDb) {
    let db = &home.db;
    let keys = [key("b", 1), key("b", 2), key("a", 9)];
    for key in [&keys[1], &keys[0], &keys[2]] {
        commit!(db, |tx| tx.system().model_keys().insert(key));
    }
    assert_eq!(list(db).await, [keys[2].clone(), keys[0].clone(), keys[1].clone()]);
    let mut changed = keys[0].clone();
    changed.fault = Some("refused".to_owned());
    changed.enabled = false;
    changed.daily_requests = None;
    changed.monthly_cost = Some(Money::from_micros(-1));
    changed.updated_at = at(5);
    assert!(commit!(db, |tx| tx.system().model_keys().save(&changed)));
    assert_eq!(read!(db, |tx| tx.system().model_keys().find(changed.id)), Some(changed.clone()));
    assert!(commit!(db, |tx| tx.system().model_keys().delete(changed.id)));
    assert!(!commit!(db, |tx| tx.system().model_keys().delete(changed.id)));
    assert!(!commit!(db, |tx| tx.system().model_keys().save(&changed)), "it does not come back");
    assert_eq!(list(db).await, [keys[2].clone(), keys[1].clone()]);
}

#[on_every_db]
async fn a_provider_goes_with_its_keys_and_no_others(home: &TestDb) {
    let db = &home.db;
    for name in ["vllm", "ollama"] {
        commit!(db, |tx| tx.system().model_keys().put_provider(&provider(name)));
        commit!(db, |tx| tx.system().model_keys().insert(&key(name, 1)));
    }
    let moved = ModelProvider {
        base_url: "https://elsewhere.example".to_owned(),
        created_at: at(7),
        updated_at: at(7),
        ..provider("vllm")
    };
    commit!(db, |tx| tx.system().model_keys().put_provider(&moved));
    let kept = ModelProvider { created_at: at(0), ..moved };
    assert_eq!(read!(db, |tx| tx.system().model_keys().providers()), [provider("ollama"), kept]);
    assert!(commit!(db, |tx| tx.system().model_keys().delete_provider("vllm")));
    assert!(!commit!(db, |tx| tx.system().model_keys().delete_provider("vllm")));
    let left: Vec<String> = list(db).await.into_iter().map(|key| key.provider).collect();
    assert_eq!(left, ["ollama"]);
}

#[on_every_db]
async fn of_two_who_change_a_key_the_second_sees_what_the_first_did(home: &TestDb) {
    let db = &home.db;
    let key = key("openai", 1);
    commit!(db, |tx| tx.system().model_keys().insert(&key));
    let id = key.id;
    let ((), seen) = race!(
        db,
        |tx| async {
            let mut locked = tx.system().model_keys().lock(id).await.unwrap().unwrap();
            "changed".clone_into(&mut locked.name);
            tx.system().model_keys().save(&locked).await.map(drop)
        },
        tx.system().model_keys().lock(id)
    );
    assert_eq!(seen.unwrap().name, "changed");
}
