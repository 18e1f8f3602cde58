//! Corrections of single facts, as an OpenAPI Overlay 1.0.

use roas_overlay::{apply::Apply, v1_0::Overlay};
use serde_json::Value;

use crate::{Findings, Trouble, document::Document};

/// How often each action of the overlay found its target, over all documents.
#[derive(Debug)]
pub struct Matches {
    pub actions: Vec<(String, usize)>,
}

/// Applies every action of `overlay` to every document; an action that finds nothing in a document leaves it alone.
pub fn apply(overlay: &Value, documents: &mut [Document], findings: &mut Findings) -> Matches {
    let overlay: Overlay = match serde_json::from_value(overlay.clone()) {
        Ok(overlay) => overlay,
        Err(error) => {
            // What could not even be read has been told.
            if !overlay.is_null() {
                let what = format!("is no OpenAPI Overlay 1.0: {error}");
                findings.trouble(Trouble::new("overlay.json", "", what, "mend the file"));
            }
            return Matches {
                actions: Vec::new(),
            };
        }
    };
    let mut matches = Matches {
        actions: overlay
            .actions
            .iter()
            .map(|action| (action.target.clone(), 0))
            .collect(),
    };
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
                let what = format!("overlay.json cannot be applied to it: {error}");
                let remedy = "mend the target of the action, or the place it points to";
                findings.trouble(Trouble::new(&document.file, "", what, remedy));
            }
        }
    }
    matches
}
