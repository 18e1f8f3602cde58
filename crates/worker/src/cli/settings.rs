//! The settings of the connection to the engine: Temporal's own environment variables and its file `temporal.toml`.
//!
//! What the SDK would ignore or misread is an error here, which names the variable, its value, and what to do. No error contains a
//! secret.

use std::{collections::HashMap, ffi::OsString, fs, path::Path};

use temporalio_client::envconfig::{
    ClientConfigProfile, ConfigError, DataSource, LoadClientConfigProfileOptions,
};
use temporalio_common::envconfig::{ClientConfigTLS, load_client_config_profile};

/// Reads the settings from these environment variables and the file that they name, else Temporal's default one.
pub(super) fn read(
    variables: impl Iterator<Item = (OsString, OsString)>,
) -> Result<ClientConfigProfile, String> {
    let variables = known(variables)?;
    check_switches(&variables)?;
    if let Some(file) = variables.get(CONFIG_FILE)
        && !Path::new(file).exists()
    {
        return Err(format!(
            "{CONFIG_FILE}: there is no file {file}; correct the path, or unset the variable"
        ));
    }
    let options = LoadClientConfigProfileOptions::default();
    let mut profile = load_client_config_profile(options, Some(&variables)).map_err(unreadable)?;
    profile.api_key = profile.api_key.filter(|key| !key.is_empty());
    // The SDK sends no key at all if the key cannot be a header.
    if profile
        .api_key
        .as_deref()
        .is_some_and(|key| !is_header(key))
    {
        return Err(format!(
            "{API_KEY} holds a space, a line break or a non-ASCII character; copy the key again"
        ));
    }
    if profile.codec.is_some() {
        return Err(
            "a remote codec (TEMPORAL_CODEC_*, or `codec` in temporal.toml) is not supported: requests would be stored as they \
             are; unset it"
                .into(),
        );
    }
    profile.tls.as_mut().map(check_tls).transpose()?;
    Ok(profile)
}

/// The variables of Temporal. An empty one is the same as none, as in most programs; the SDK takes it for a setting.
fn known(
    variables: impl Iterator<Item = (OsString, OsString)>,
) -> Result<HashMap<String, String>, String> {
    let mut known = HashMap::new();
    for (name, value) in variables {
        let Some(name) = name.to_str().filter(|name| name.starts_with("TEMPORAL_")) else {
            continue;
        };
        let value = value
            .into_string()
            .map_err(|_| format!("{name} is not UTF-8; correct it"))?;
        if !value.is_empty() {
            known.insert(name.to_owned(), value);
        }
    }
    Ok(known)
}

/// The SDK takes any other value of a switch for none.
fn check_switches(variables: &HashMap<String, String>) -> Result<(), String> {
    for name in ["TEMPORAL_TLS", NO_VERIFICATION] {
        let Some(value) = variables.get(name) else {
            continue;
        };
        if !["true", "false", "1", "0"].contains(&&*value.to_lowercase()) {
            return Err(format!("{name} is {value:?}; expected true or false"));
        }
    }
    Ok(())
}

/// Replaces each file of TLS by its content.
fn check_tls(tls: &mut ClientConfigTLS) -> Result<(), String> {
    if tls.disabled == Some(true) {
        return Ok(());
    }
    if tls.disable_host_verification {
        return Err(format!(
            "{NO_VERIFICATION} is not supported; name the CA of the engine by {CA}_PATH, and the name in its certificate by \
             TEMPORAL_TLS_SERVER_NAME"
        ));
    }
    if tls.client_cert.is_some() != tls.client_key.is_some() {
        let (given, missing) = match tls.client_cert {
            Some(_) => (CERTIFICATE, KEY),
            None => (KEY, CERTIFICATE),
        };
        return Err(format!(
            "{given}_PATH is set without {missing}_PATH; a client certificate needs both"
        ));
    }
    for (source, variable, content) in [
        (&mut tls.server_ca_cert, CA, "CERTIFICATE-----"),
        (&mut tls.client_cert, CERTIFICATE, "CERTIFICATE-----"),
        (&mut tls.client_key, KEY, "PRIVATE KEY-----"),
    ] {
        let Some(given) = source else { continue };
        *given = DataSource::Data(pem(given, variable, content)?);
    }
    Ok(())
}

/// The content of a PEM file, which contains an object of this kind.
fn pem(source: &DataSource, variable: &str, content: &str) -> Result<Vec<u8>, String> {
    let (name, bytes) = match source {
        DataSource::Path(path) => {
            let name = format!("{path} ({variable}_PATH)");
            let read = fs::read(path);
            let bytes = read.map_err(|error| format!("{name} cannot be read: {error}"))?;
            (name, bytes)
        }
        DataSource::Data(data) => (format!("{variable}_DATA"), data.clone()),
        _ => return Err(format!("{variable} cannot be read; name a file")),
    };
    match String::from_utf8_lossy(&bytes).contains(content) {
        true => Ok(bytes),
        false => Err(format!(
            "{name} has no line `-----BEGIN … {content}`; give a file in PEM format"
        )),
    }
}

/// The error of the SDK without the lines of the file, which may contain the key.
fn unreadable(error: ConfigError) -> String {
    let text = error.to_string();
    let is_quoted = |line: &&str| line.contains('|');
    let lines: Vec<&str> = text.lines().filter(|line| !is_quoted(line)).collect();
    let what = lines.join(": ");
    format!(
        "the settings of Temporal cannot be used: {what}; correct the variables TEMPORAL_* or temporal.toml"
    )
}

fn is_header(key: &str) -> bool {
    key.chars().all(|c| c.is_ascii_graphic())
}

const API_KEY: &str = "TEMPORAL_API_KEY";
const CONFIG_FILE: &str = "TEMPORAL_CONFIG_FILE";
const NO_VERIFICATION: &str = "TEMPORAL_TLS_DISABLE_HOST_VERIFICATION";
const CA: &str = "TEMPORAL_TLS_SERVER_CA_CERT";
const CERTIFICATE: &str = "TEMPORAL_TLS_CLIENT_CERT";
const KEY: &str = "TEMPORAL_TLS_CLIENT_KEY";
