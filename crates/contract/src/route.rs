//! The routes of the service: the URLs that create and fetch generations.

use std::fmt;

use serde::{Deserialize, Serialize};

/// One of the two URL paths that create and fetch generations.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize,
)]
#[serde(rename_all = "kebab-case")]
#[allow(
    clippy::exhaustive_enums,
    reason = "each route has its own operations, so a new route needs a new arm in every match"
)]
pub enum Route {
    /// `/v2/video/generations`, for every model.
    #[default]
    Universal,
    /// `/v2/generate/video/kling/generation`, the older URL that still serves Kling models.
    LegacyKling,
}

impl Route {
    /// Every route.
    pub const ALL: [Self; 2] = [Self::Universal, Self::LegacyKling];

    /// The path below the base URL.
    pub const fn path(self) -> &'static str {
        match self {
            Self::Universal => "/v2/video/generations",
            Self::LegacyKling => "/v2/generate/video/kling/generation",
        }
    }

    /// The route with this path.
    pub fn from_path(path: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|route| route.path() == path)
    }
}

impl fmt::Display for Route {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Universal => "universal",
            Self::LegacyKling => "legacy-kling",
        })
    }
}
