//! The connection to the engine, with the settings of its own environment variables.

use std::{error::Error, time::Duration};

use temporalio_client::{
    Client, ClientOptions, Connection, ConnectionOptions,
    envconfig::LoadClientConfigProfileOptions,
    errors::ClientConnectError,
    tonic::{Code, IntoRequest, Status},
};
use temporalio_common::{
    envconfig::load_client_config_profile,
    protos::temporal::api::workflowservice::v1::DescribeNamespaceRequest,
};

use super::{
    failure::{Failure, error_line},
    queue::Queue,
};

/// Connects to the engine of a queue, and checks that its namespace exists.
pub(crate) async fn connect(queue: &Queue) -> Result<Client, Failure> {
    let options = options(queue).map_err(|error| {
        Failure::usage(format!(
            "the settings of Temporal cannot be used: {}; correct the variables TEMPORAL_* or temporal.toml",
            error_line(&*error)
        ))
    })?;
    let connecting = tokio::time::timeout(TIMEOUT, Connection::connect(options));
    let connection = match connecting.await {
        Ok(Ok(connection)) => connection,
        Ok(Err(error)) => return Err(unreachable(queue, &reason(&error))),
        Err(_) => return Err(unreachable(queue, "no response in time")),
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
        Err(status) => return Err(refused(queue, &status)),
    }
    let options = ClientOptions::new(queue.namespace.clone()).build();
    Client::new(connection, options).map_err(|error| unreachable(queue, &error_line(&error)))
}

fn options(queue: &Queue) -> Result<ConnectionOptions, Box<dyn Error>> {
    let mut profile = load_client_config_profile(LoadClientConfigProfileOptions::default(), None)?;
    profile.address = Some(queue.address.clone());
    let mut options = ConnectionOptions::try_from(profile)?;
    options.connect_timeout = Some(TIMEOUT);
    options.identity = identity();
    Ok(options)
}

/// The name of this process in the engine's records, unique per start.
fn identity() -> String {
    let host = gethostname::gethostname();
    let start = uuid::Uuid::new_v4().simple().to_string();
    format!("{}:{}:{}", host.display(), std::process::id(), &start[..8])
}

/// The cause of a failed connection. The SDK's own text is that of `Debug`.
fn reason(error: &ClientConnectError) -> String {
    match error {
        ClientConnectError::TonicTransportError(error) => root_cause(error).to_string(),
        ClientConnectError::SystemInfoCallError(status) => match status.source() {
            Some(source) => root_cause(source).to_string(),
            None => status.message().to_owned(),
        },
        other => error_line(other),
    }
}

fn root_cause<'a>(error: &'a (dyn Error + 'static)) -> &'a (dyn Error + 'static) {
    error.source().map_or(error, root_cause)
}

fn unreachable(queue: &Queue, error: &str) -> Failure {
    Failure::service(format!(
        "the engine at {} cannot be reached: {error}; start it, or correct --queue, and check TEMPORAL_TLS",
        queue.address
    ))
}

fn refused(queue: &Queue, status: &Status) -> Failure {
    let remedy = match status.code() {
        Code::Unauthenticated => {
            "set TEMPORAL_API_KEY, or the client certificate of TEMPORAL_TLS_CLIENT_CERT_PATH"
        }
        _ => "try again",
    };
    Failure::service(format!(
        "the engine at {} refused the call: {}; {remedy}",
        queue.address,
        status.message()
    ))
}

const TIMEOUT: Duration = Duration::from_secs(10);
