//! Reads rules between properties from `x-rules`, where the overlay puts those that documents state in prose.

use aimlapi_video_contract::SourcedRule;
use serde_json::Value;

use crate::{Diagnostic, Diagnostics, document::Create};

/// The rules of a request. A rule that cannot be read, or that names an unknown property, is left out with a warning: the
/// overlay may be older than the document.
pub(crate) fn read(create: &Create, diagnostics: &mut Diagnostics) -> Vec<SourcedRule> {
    let stated = create.schema.get("x-rules");
    if let Some(odd) = stated.filter(|stated| !stated.is_array()) {
        let what = format!("`x-rules` is {odd}; expected a list of rules");
        let remedy = "correct `x-rules` in overlay.json";
        diagnostics.warning(Diagnostic::new(&create.file, &create.place, what, remedy));
    }
    let stated = stated.and_then(Value::as_array);
    let properties = &create.schema["properties"];
    let mut rules = Vec::new();
    for stated in stated.into_iter().flatten() {
        let rule: Option<SourcedRule> = serde_json::from_value(stated.clone()).ok();
        let fits = |sourced: &SourcedRule| {
            let mut names = sourced.rule.mentioned().into_iter();
            names.all(|name| properties.get(name).is_some())
        };
        match rule.filter(fits) {
            Some(rule) => rules.push(rule),
            None => {
                let what = format!(
                    "the overlay's {stated} is not a rule between properties of this request, and is left out"
                );
                let remedy = "correct `x-rules` in overlay.json";
                diagnostics.warning(Diagnostic::new(&create.file, &create.place, what, remedy));
            }
        }
    }
    rules
}
