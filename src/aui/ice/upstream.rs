//! ICE as the upstream of an app server.

use super::{
    Client, DescribeInstanceRequest, DescribeInstanceResponse, GenerateCallRequest,
    GenerateCallResponse, Region, StartInstanceRequest, StartInstanceResponse, StopInstanceRequest,
    StopInstanceResponse, UpdateInstanceRequest, UpdateInstanceResponse,
};
use crate::aui::{Upstream, UpstreamError};
use crate::client::{Answer, Error};
use crate::error::chain;

/// A region that is not allowed and a request that breaks the spec fail with status 400 and code
/// `InvalidParameter`, before anything is sent. A failure that ICE reports is passed on with its HTTP
/// status, `Code`, message and request id. A missed deadline is status 504, and a failed connection
/// 502.
impl Upstream for Client {
    async fn generate(
        &self,
        region: Option<&Region>,
        request: GenerateCallRequest,
    ) -> Result<GenerateCallResponse, UpstreamError> {
        done(self.of(region)?.generate_call(&request).await)
    }

    async fn start(
        &self,
        region: Option<&Region>,
        request: StartInstanceRequest,
    ) -> Result<StartInstanceResponse, UpstreamError> {
        done(self.of(region)?.start_instance(&request).await)
    }

    async fn stop(
        &self,
        region: Option<&Region>,
        request: StopInstanceRequest,
    ) -> Result<StopInstanceResponse, UpstreamError> {
        done(self.of(region)?.stop_instance(&request).await)
    }

    async fn update(
        &self,
        region: Option<&Region>,
        request: UpdateInstanceRequest,
    ) -> Result<UpdateInstanceResponse, UpstreamError> {
        done(self.of(region)?.update_instance(&request).await)
    }

    async fn describe(
        &self,
        region: Option<&Region>,
        request: DescribeInstanceRequest,
    ) -> Result<DescribeInstanceResponse, UpstreamError> {
        done(self.of(region)?.describe_instance(&request).await)
    }
}

impl Client {
    fn of(&self, region: Option<&Region>) -> Result<Self, UpstreamError> {
        match region {
            Some(region) => self.with_region(region.as_str()).map_err(refused),
            None => Ok(self.clone()),
        }
    }
}

fn done<T>(answer: Result<Answer<T>, Error>) -> Result<T, UpstreamError> {
    answer.map(Answer::into_inner).map_err(refused)
}

/// Converts an error into the part that an app may see, with the error as its source.
fn refused(error: Error) -> UpstreamError {
    shown(&error).with_source(error)
}

fn shown(error: &Error) -> UpstreamError {
    if let Some(violations) = error.violations() {
        return UpstreamError::new(400, violations.to_string()).with_code("InvalidParameter");
    }
    let status = error.status().map(|status| status.as_u16());
    let failed = status.filter(|status| *status >= 400);
    if let Some(failure) = error.failure() {
        let message = failure.message().unwrap_or("the platform refused the call");
        let refused = UpstreamError::new(failed.unwrap_or(502), message).with_code(failure.code());
        return match failure.request_id() {
            Some(request_id) => refused.with_request_id(request_id),
            None => refused,
        };
    }
    // The details are only for the operator of the server.
    tracing::warn!(status, "a call to ICE failed: {}", chain(&error));
    if error.is_timeout() {
        UpstreamError::new(504, "the platform did not answer in time")
    } else if error.is_transport() {
        UpstreamError::new(502, "the connection to the platform failed")
    } else if let Some(status) = failed {
        UpstreamError::new(status, format!("the platform answered with HTTP {status}"))
    } else if status.is_some() {
        UpstreamError::new(502, "the platform's answer can't be read")
    } else {
        UpstreamError::new(500, "the request to the platform can't be built")
    }
}
