//! The Bot API's schema, and the check of a JSON value against it.
//!
//! `data/telegram-bot-api-10.1.json` is the published schema of Bot API 10.1 cut to what the fake
//! speaks (`scripts/cut-telegram-schema`). Only the keywords that occur there are understood, and
//! any other one stops the program at the first use: an unknown keyword must not pass as satisfied.

use std::{collections::HashMap, sync::LazyLock};

use serde_json::{Map, Value};

static SCHEMA: LazyLock<Schema> = LazyLock::new(|| {
    let text = include_str!("../../data/telegram-bot-api-10.1.json");
    let schema: Value = serde_json::from_str(text).expect("the committed schema is JSON");
    Schema::compile(&schema)
});

/// The definitions by name: `Type`, `req.method`, `res.method`.
#[derive(Debug)]
pub(crate) struct Schema(HashMap<String, Rule>);

/// What a value must satisfy; an empty rule lets everything pass.
#[derive(Debug, Default)]
struct Rule {
    reference: Option<String>,
    any_of: Vec<Rule>,
    constant: Option<Value>,
    kinds: Vec<String>,
    properties: HashMap<String, Rule>,
    required: Vec<String>,
    closed: bool,
    items: Option<Box<Rule>>,
    minimum: Option<i64>,
    maximum: Option<i64>,
    min_length: Option<u64>,
    max_length: Option<u64>,
}

impl Schema {
    pub(crate) fn get() -> &'static Self {
        &SCHEMA
    }

    fn compile(schema: &Value) -> Self {
        let definitions = schema["$defs"].as_object().expect("the schema has definitions");
        Self(definitions.iter().map(|(name, rule)| (name.clone(), Rule::compile(rule))).collect())
    }

    /// Checks `value` against the definition `name`.
    ///
    /// # Errors
    ///
    /// Says where the first fault is and what was expected there, never what was found beyond its
    /// type: values are people's words.
    pub(crate) fn check(&self, name: &str, value: &Value) -> Result<(), String> {
        self.apply(self.rule(name), value, name)
    }

    /// Checks the parameters of a method.
    ///
    /// # Errors
    ///
    /// As [`Self::check`].
    pub(crate) fn check_parameters(
        &self,
        method: &str,
        parameters: &Map<String, Value>,
    ) -> Result<(), String> {
        let name = format!("req.{method}");
        self.object(self.rule(&name), parameters, &name)
    }

    /// Reads a parameter that came as text (in a form or a query) as the type it is declared to be.
    pub(crate) fn read_text(&self, method: &str, parameter: &str, text: String) -> Value {
        let declared = self.rule(&format!("req.{method}")).properties.get(parameter);
        let parsed = serde_json::from_str::<Value>(&text).ok();
        match (declared, parsed) {
            (Some(rule), Some(parsed)) if self.apply(rule, &parsed, "").is_ok() => parsed,
            _ => Value::String(text),
        }
    }

    fn rule(&self, name: &str) -> &Rule {
        self.0.get(name).unwrap_or_else(|| panic!("the schema has no `{name}`"))
    }

    fn apply(&self, rule: &Rule, value: &Value, place: &str) -> Result<(), String> {
        if let Some(name) = &rule.reference {
            return self.apply(self.rule(name), value, place);
        }
        if let Some(constant) = &rule.constant
            && constant != value
        {
            return Err(format!("`{place}` is not the constant {constant}"));
        }

        if !rule.any_of.is_empty()
            && !rule.any_of.iter().any(|form| self.apply(form, value, place).is_ok())
        {
            return Err(format!("`{place}` matches none of its {} forms", rule.any_of.len()));
        }

        if !rule.kinds.is_empty() && !rule.kinds.iter().any(|kind| is_of(kind, value)) {
            let expected = rule.kinds.join(" or ");
            return Err(format!("`{place}` must be {expected}, not {}", kind_of(value)));
        }

        match value {
            Value::Object(map) => self.object(rule, map, place),
            Value::Array(items) => match &rule.items {
                None => Ok(()),
                Some(rule) => items
                    .iter()
                    .enumerate()
                    .try_for_each(|(i, item)| self.apply(rule, item, &format!("{place}[{i}]"))),
            },
            Value::Number(number) => within(rule, number.as_i64(), place),
            Value::String(text) => length(rule, text, place),
            Value::Null | Value::Bool(_) => Ok(()),
        }
    }

    fn object(&self, rule: &Rule, map: &Map<String, Value>, place: &str) -> Result<(), String> {
        if let Some(missing) = rule.required.iter().find(|name| !map.contains_key(*name)) {
            return Err(format!("`{place}.{missing}` is missing"));
        }
        for (name, value) in map {
            match rule.properties.get(name) {
                Some(rule) => self.apply(rule, value, &format!("{place}.{name}"))?,
                None if rule.closed => return Err(format!("`{place}.{name}` is unknown")),
                None => {}
            }
        }
        Ok(())
    }
}

impl Rule {
    fn compile(schema: &Value) -> Self {
        let mut rule = Self::default();
        for (keyword, value) in schema.as_object().expect("a schema is an object") {
            match keyword.as_str() {
                "$ref" => {
                    let name = text(value);
                    rule.reference =
                        Some(name.strip_prefix("#/$defs/").unwrap_or(&name).to_owned());
                }
                "anyOf" => rule.any_of = list(value).iter().map(Self::compile).collect(),
                "const" => rule.constant = Some(value.clone()),
                "type" if value.is_array() => {
                    rule.kinds = list(value).iter().map(text).collect();
                }
                "type" => rule.kinds = vec![text(value)],
                "properties" => {
                    let named = value.as_object().expect("`properties` is an object");
                    rule.properties = named
                        .iter()
                        .map(|(name, rule)| (name.clone(), Self::compile(rule)))
                        .collect();
                }
                "required" => rule.required = list(value).iter().map(text).collect(),
                "additionalProperties" => rule.closed = *value == Value::Bool(false),
                "items" => rule.items = Some(Box::new(Self::compile(value))),
                "minimum" => rule.minimum = value.as_i64(),
                "maximum" => rule.maximum = value.as_i64(),
                "minLength" => rule.min_length = value.as_u64(),
                "maxLength" => rule.max_length = value.as_u64(),
                unknown => panic!("the schema uses `{unknown}`, which the check does not know"),
            }
        }

        rule
    }
}

fn text(value: &Value) -> String {
    value.as_str().expect("the keyword takes a string").to_owned()
}

fn list(value: &Value) -> &[Value] {
    value.as_array().expect("the keyword takes a list")
}

fn is_of(kind: &str, value: &Value) -> bool {
    kind == kind_of(value) || kind == "number" && value.is_number()
}

fn kind_of(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "boolean",
        Value::Number(number) if number.is_f64() => "number",
        Value::Number(_) => "integer",
        Value::String(_) => "string",
        Value::Array(_) => "array",
        Value::Object(_) => "object",
    }
}

fn within(rule: &Rule, number: Option<i64>, place: &str) -> Result<(), String> {
    let Some(number) = number else { return Ok(()) };
    if rule.minimum.is_some_and(|least| number < least)
        || rule.maximum.is_some_and(|most| number > most)
    {
        return Err(format!("`{place}` is out of range"));
    }
    Ok(())
}

fn length(rule: &Rule, text: &str, place: &str) -> Result<(), String> {
    if rule.min_length.is_none() && rule.max_length.is_none() {
        return Ok(());
    }
    let length = text.chars().count() as u64;
    if rule.min_length.is_some_and(|least| length < least)
        || rule.max_length.is_some_and(|most| length > most)
    {
        return Err(format!("`{place}` has a length out of range"));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn names(rule: &Rule, found: &mut Vec<String>) {
        found.extend(rule.reference.clone());
        rule.any_of.iter().for_each(|rule| names(rule, found));
        rule.properties.values().for_each(|rule| names(rule, found));
        rule.items.iter().for_each(|rule| names(rule, found));
    }

    #[test]
    fn every_reference_of_the_cut_schema_leads_somewhere() {
        let schema = Schema::get();
        let mut found = Vec::new();
        schema.0.values().for_each(|rule| names(rule, &mut found));
        assert!(found.len() > 100);
        for name in found {
            assert!(schema.0.contains_key(&name), "`{name}` was cut away");
        }
    }

    #[test]
    fn faults_are_found_at_any_depth() {
        let schema = Schema::get();
        let message = |text: Value| {
            json!({"update_id": 1, "message": {
                "message_id": 1, "date": 0, "chat": {"id": 7, "type": "private"}, "text": text,
            }})
        };
        assert_eq!(schema.check("Update", &message(json!("hello"))), Ok(()));
        let fault = schema.check("Update", &message(json!(5))).unwrap_err();
        assert_eq!(fault, "`Update.message.text` must be string, not integer");
        let fault = schema.check("Update", &json!({"update_id": 1, "mesage": {}})).unwrap_err();
        assert_eq!(fault, "`Update.mesage` is unknown");
        let fault = schema.check("Update", &json!({"message": {}})).unwrap_err();
        assert_eq!(fault, "`Update.update_id` is missing");
    }

    #[test]
    fn unions_are_told_apart_by_their_constants() {
        let schema = Schema::get();
        let user = json!({"id": 1, "is_bot": false, "first_name": "Ann"});
        let member = json!({"status": "member", "user": user});
        assert_eq!(schema.check("ChatMember", &member), Ok(()));
        let unheard = json!({"status": "friend", "user": user});
        assert!(schema.check("ChatMember", &unheard).is_err());
    }

    #[test]
    fn text_parameters_take_the_declared_type() {
        let schema = Schema::get();
        let read = |name, text: &str| schema.read_text("sendMessage", name, text.to_owned());
        assert_eq!(read("chat_id", "-100"), json!(-100));
        assert_eq!(read("chat_id", "@shop"), json!("@shop"));
        assert_eq!(read("text", "12"), json!("12"));
        assert_eq!(read("disable_notification", "true"), json!(true));
        assert_eq!(read("entities", "[]"), json!([]));
        assert_eq!(read("protect_content", "maybe"), json!("maybe"));
    }
}
