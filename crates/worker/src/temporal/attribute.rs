//! The search attribute by which lists find jobs in a state.

use std::collections::HashMap;

use temporalio_client::{
    Client,
    tonic::{Code, IntoRequest, Status},
};
use temporalio_common::protos::temporal::api::{
    enums::v1::IndexedValueType,
    operatorservice::v1::{AddSearchAttributesRequest, ListSearchAttributesRequest},
};

use super::{protocol::STATE_ATTRIBUTE, worker::WorkerError};

/// Registers the attribute in the client's namespace, unless it is there.
pub(super) async fn ensure(client: &Client) -> Result<(), WorkerError> {
    let namespace = client.options().namespace.clone();
    let mut operator = client.connection().operator_service();
    let request = ListSearchAttributesRequest {
        namespace: namespace.clone(),
    };
    match operator
        .list_search_attributes(request.into_request())
        .await
    {
        Ok(known)
            if known
                .get_ref()
                .custom_attributes
                .contains_key(STATE_ATTRIBUTE) =>
        {
            return Ok(());
        }
        Err(status) if is_away(&status) => return Err(WorkerError::away(status)),
        _ => {}
    }
    let keyword = IndexedValueType::Keyword as i32;
    let request = AddSearchAttributesRequest {
        search_attributes: HashMap::from([(STATE_ATTRIBUTE.to_owned(), keyword)]),
        namespace: namespace.clone(),
    };
    match operator.add_search_attributes(request.into_request()).await {
        Ok(_) => Ok(()),
        Err(status) if status.code() == Code::AlreadyExists => Ok(()),
        Err(status) if is_away(&status) => Err(WorkerError::away(status)),
        Err(status) => {
            let message = format!(
                "the search attribute {STATE_ATTRIBUTE} (type Keyword) cannot be registered in the namespace `{namespace}`; \
                 register it, as by `temporal operator search-attribute create --namespace {namespace} --name {STATE_ATTRIBUTE} --type Keyword`"
            );
            Err(WorkerError::new(message, status))
        }
    }
}

/// Whether the engine, or the connection to it, was away during the call. The client reports a broken connection as unknown.
pub(super) fn is_away(status: &Status) -> bool {
    let code = status.code();
    matches!(
        code,
        Code::Unavailable | Code::Unknown | Code::DeadlineExceeded | Code::Cancelled
    )
}
