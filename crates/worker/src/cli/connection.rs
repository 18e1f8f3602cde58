//! The connection to the engine, with the settings of its own environment variables.

use std::{error::Error, time::Duration};

use temporalio_client::{
    Client, ClientOptions, Connection, ConnectionOptions,
    errors::ClientConnectError,
    tonic::{Code, IntoRequest},
};
use temporalio_common::protos::temporal::api::workflowservice::v1::DescribeNamespaceRequest;

use super::{
    failure::{Failure, error_line, refused},
    queue::Queue,
    settings,
};

/// Connects to the engine of a queue, and checks that its namespace exists.
pub(crate) async fn connect(queue: &Queue) -> Result<Client, Failure> {
    let options = options(queue).map_err(Failure::usage)?;
    let security = Security {
        has_tls: options.tls_options.is_some(),
        has_key: options.api_key.is_some(),
    };
    let connecting = tokio::time::timeout(TIMEOUT, Connection::connect(options));
    let connection = match connecting.await {
        Ok(Ok(connection)) => connection,
        Ok(Err(error)) => return Err(failed(queue, security, &error)),
        Err(_) => return Err(unreachable(queue, security, "no response in time")),
    };
    let request = DescribeNamespaceRequest {
        namespace: queue.namespace.clone(),
        ..DescribeNamespaceRequest::default()
    };
    let mut service = connection.workflow_service();
    match service.describe_namespace(request.into_request()).await {
        Ok(_) => {}
        Err(status) if status.code() == Code::NotFound => {
            return Err(Failure::usage(format!(
                "{queue}: the engine has no namespace {:?}; create it by `temporal operator namespace create`, or correct --queue",
                queue.namespace
            )));
        }
        // An API key of one namespace need not be allowed to describe it.
        Err(status) if status.code() == Code::PermissionDenied => {}
        Err(status) => return Err(refused(&status)),
    }
    let options = ClientOptions::new(queue.namespace.clone()).build();
    Client::new(connection, options)
        .map_err(|error| unreachable(queue, security, &error_line(&error)))
}

fn options(queue: &Queue) -> Result<ConnectionOptions, String> {
    let mut profile = settings::read(std::env::vars_os())?;
    profile.address = Some(queue.address.clone());
    let options = ConnectionOptions::try_from(profile);
    let mut options = options.map_err(|error| unusable(&error))?;
    options.connect_timeout = Some(TIMEOUT);
    options.identity = identity();
    Ok(options)
}

/// How the connection is secured.
#[derive(Clone, Copy)]
struct Security {
    has_tls: bool,
    has_key: bool,
}

/// The name of this process in the engine's records, unique per start.
fn identity() -> String {
    let host = gethostname::gethostname();
    let start = uuid::Uuid::new_v4().simple().to_string();
    format!("{}:{}:{}", host.display(), std::process::id(), &start[..8])
}

/// The error of a failed connection. The SDK's own text is that of `Debug`.
fn failed(queue: &Queue, security: Security, error: &ClientConnectError) -> Failure {
    match error {
        ClientConnectError::TonicTransportError(error) => {
            unreachable(queue, security, &root_cause(error).to_string())
        }
        ClientConnectError::SystemInfoCallError(status) => match status.source() {
            Some(source) => unreachable(queue, security, &root_cause(source).to_string()),
            None => refused(status),
        },
        ClientConnectError::DnsResolutionError { source, .. } => {
            unreachable(queue, security, &source.to_string())
        }
        other => Failure::usage(unusable(other)),
    }
}

fn root_cause<'a>(error: &'a (dyn Error + 'static)) -> &'a (dyn Error + 'static) {
    error.source().map_or(error, root_cause)
}

fn unusable(error: &dyn Error) -> String {
    format!(
        "the settings of Temporal cannot be used: {}; correct the variables TEMPORAL_* or temporal.toml",
        error_line(error)
    )
}

/// The error of an engine that cannot be reached for this reason. The reasons of TLS are known by their texts alone.
fn unreachable(queue: &Queue, security: Security, reason: &str) -> Failure {
    let has = |part| reason.contains(part);
    if has("KeyMismatch") || has("Error parsing TLS") {
        return Failure::usage(format!(
            "the certificates of TLS cannot be used: {reason}; correct the files of TEMPORAL_TLS_*"
        ));
    }
    let reason = if has("UnknownIssuer") {
        "its certificate is of an unknown CA"
    } else if has("InvalidContentType") {
        "it does not use TLS"
    } else if has("close_notify") {
        "it closed the connection"
    } else {
        reason
    };
    let remedy = if has("UnknownIssuer") {
        "name the CA's certificate by TEMPORAL_TLS_SERVER_CA_CERT_PATH"
    } else if has("not valid for name") {
        "correct --queue, or name the certificate's host by TEMPORAL_TLS_SERVER_NAME"
    } else if has("invalid peer certificate") {
        "correct --queue, or replace the engine's certificate"
    } else if has("InvalidContentType") && security.has_key {
        "correct --queue; TEMPORAL_TLS=false would send the API key unencrypted"
    } else if has("InvalidContentType") {
        "correct --queue, or set TEMPORAL_TLS=false"
    } else if has("refused") || has("lookup") || has("in time") {
        "start it, or correct --queue"
    } else if security.has_tls {
        "start it, correct --queue, or give a client certificate that it accepts by TEMPORAL_TLS_CLIENT_CERT_PATH and \
         TEMPORAL_TLS_CLIENT_KEY_PATH"
    } else {
        "start it, correct --queue, or set TEMPORAL_TLS=true if it uses TLS"
    };
    Failure::service(format!(
        "the engine at {} cannot be reached: {reason}; {remedy}",
        queue.address
    ))
}

const TIMEOUT: Duration = Duration::from_secs(10);
