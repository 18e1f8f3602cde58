//! Corrections of single facts, as an OpenAPI Overlay 1.0.

use roas_overlay::{apply::Apply, v1_0::Overlay};
use serde_json::Value;

use super::{Trouble, document::Document};

/// How often each action of the overlay found its target, over all documents.
#[derive(Debug)]
pub struct Matches {
    pub actions: Vec<(String, usize)>,
}

/// Applies every action of `overlay` to every document; an action that finds nothing in a document leaves it alone.
pub fn apply(overlay: &Value, documents: &mut [Document]) -> Result<Matches, Vec<Trouble>> {
    let overlay: Overlay = serde_json::from_value(overlay.clone()).map_err(|error| {
        vec![Trouble::new(
            "overlay.json",
            "",
            format!("is no OpenAPI Overlay 1.0: {error}"),
            "mend the file",
        )]
    })?;
    let mut matches = Matches {
        actions: overlay
            .actions
            .iter()
            .map(|action| (action.target.clone(), 0))
            .collect(),
    };
    let mut troubles = Vec::new();
    for document in documents {
        match overlay.apply(&mut document.value, Default::default()) {
            Ok(report) => {
                for outcome in report.actions {
                    if let Some(action) = matches.actions.get_mut(outcome.index) {
                        action.1 += outcome.matched;
                    }
                }
            }
            Err(error) => {
                let what = format!("cannot be applied to {}: {error}", document.file);
                troubles.push(Trouble::new(
                    "overlay.json",
                    "",
                    what,
                    "mend the action's target",
                ));
            }
        }
    }
    if troubles.is_empty() {
        Ok(matches)
    } else {
        Err(troubles)
    }
}
