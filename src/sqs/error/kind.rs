//! Kinds of errors: their codes in both protocols, and their status.

/// What kind of error it is. Decides codes and status.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Kind {
    BatchEntryIdsNotDistinct,
    BatchRequestTooLong,
    EmptyBatchRequest,
    InvalidBatchEntryId,
    TooManyEntriesInBatchRequest,
    QueueDeletedRecently,
    QueueDoesNotExist,
    QueueNameExists,
    UnsupportedOperation,
    PurgeQueueInProgress,
    OverLimit,
    ReceiptHandleIsInvalid,
    ResourceNotFound,
    InvalidAddress,
    /// Not of the service: of the endpoint for developers.
    InvalidRequest,
    RequestThrottled,
    InvalidAttributeName,
    InvalidAttributeValue,
    InvalidMessageContents,
    InvalidParameterValue,
    MissingParameter,
    /// A member of a batch's entry is empty or not there.
    EmptyValue,
    InvalidAction,
    UnknownOperation,
    /// A query request without an action; it has an answer of its own.
    MissingAction,
    Serialization,
    RequestTooLarge,
    AccessDenied,
    /// It isn't signed.
    MissingToken,
    /// Its signature can't be read.
    IncompleteSignature,
    /// Its key, or its session's token, is nobody's.
    InvalidToken,
    ExpiredToken,
    SignatureMismatch,
    ServiceUnavailable,
    InternalFailure,
}

impl Kind {
    /// All of them.
    pub const ALL: [Self; 35] = [
        Self::BatchEntryIdsNotDistinct,
        Self::BatchRequestTooLong,
        Self::EmptyBatchRequest,
        Self::InvalidBatchEntryId,
        Self::TooManyEntriesInBatchRequest,
        Self::QueueDeletedRecently,
        Self::QueueDoesNotExist,
        Self::QueueNameExists,
        Self::UnsupportedOperation,
        Self::PurgeQueueInProgress,
        Self::OverLimit,
        Self::ReceiptHandleIsInvalid,
        Self::ResourceNotFound,
        Self::InvalidAddress,
        Self::InvalidRequest,
        Self::RequestThrottled,
        Self::InvalidAttributeName,
        Self::InvalidAttributeValue,
        Self::InvalidMessageContents,
        Self::InvalidParameterValue,
        Self::MissingParameter,
        Self::EmptyValue,
        Self::InvalidAction,
        Self::UnknownOperation,
        Self::MissingAction,
        Self::Serialization,
        Self::RequestTooLarge,
        Self::AccessDenied,
        Self::MissingToken,
        Self::IncompleteSignature,
        Self::InvalidToken,
        Self::ExpiredToken,
        Self::SignatureMismatch,
        Self::ServiceUnavailable,
        Self::InternalFailure,
    ];

    /// The kind with a code of either protocol, without a namespace. `None` where there is none.
    pub fn named(code: &str) -> Option<Self> {
        let is_named = |kind: &Self| {
            let json = kind.json_type().rsplit('#').next();
            code == kind.query_code() || json == Some(code)
        };
        Self::ALL.into_iter().find(is_named)
    }

    /// Type in the JSON protocol, with its namespace.
    pub fn json_type(self) -> &'static str {
        use Kind::*;
        match self {
            BatchEntryIdsNotDistinct => "com.amazonaws.sqs#BatchEntryIdsNotDistinct",
            BatchRequestTooLong => "com.amazonaws.sqs#BatchRequestTooLong",
            EmptyBatchRequest => "com.amazonaws.sqs#EmptyBatchRequest",
            InvalidBatchEntryId => "com.amazonaws.sqs#InvalidBatchEntryId",
            TooManyEntriesInBatchRequest => "com.amazonaws.sqs#TooManyEntriesInBatchRequest",
            QueueDeletedRecently => "com.amazonaws.sqs#QueueDeletedRecently",
            QueueDoesNotExist => "com.amazonaws.sqs#QueueDoesNotExist",
            QueueNameExists => "com.amazonaws.sqs#QueueNameExists",
            UnsupportedOperation => "com.amazonaws.sqs#UnsupportedOperation",
            PurgeQueueInProgress => "com.amazonaws.sqs#PurgeQueueInProgress",
            OverLimit => "com.amazonaws.sqs#OverLimit",
            ReceiptHandleIsInvalid => "com.amazonaws.sqs#ReceiptHandleIsInvalid",
            ResourceNotFound => "com.amazonaws.sqs#ResourceNotFoundException",
            InvalidAddress => "com.amazonaws.sqs#InvalidAddress",
            InvalidRequest => "com.amazonaws.sqs#InvalidRequest",
            RequestThrottled => "com.amazonaws.sqs#RequestThrottled",
            InvalidAttributeName => "com.amazonaws.sqs#InvalidAttributeName",
            InvalidAttributeValue => "com.amazonaws.sqs#InvalidAttributeValue",
            InvalidMessageContents => "com.amazonaws.sqs#InvalidMessageContents",
            InvalidParameterValue => "com.amazon.coral.service#InvalidParameterValueException",
            MissingParameter => "com.amazon.coral.service#MissingRequiredParameterException",
            EmptyValue => "com.amazon.coral.service#EmptyValueException",
            InvalidAction => "com.amazon.coral.service#InvalidActionException",
            UnknownOperation | MissingAction => {
                "com.amazon.coral.service#UnknownOperationException"
            }
            Serialization => "com.amazon.coral.service#SerializationException",
            RequestTooLarge => "com.amazon.coral.service#RequestEntityTooLargeException",
            AccessDenied => "com.amazon.coral.service#AccessDeniedException",
            MissingToken => "com.amazon.coral.service#MissingAuthenticationTokenException",
            IncompleteSignature => "com.amazon.coral.service#IncompleteSignatureException",
            InvalidToken => "com.amazon.coral.service#UnrecognizedClientException",
            ExpiredToken => "com.amazon.coral.service#ExpiredTokenException",
            SignatureMismatch => "com.amazon.coral.service#InvalidSignatureException",
            ServiceUnavailable => "com.amazon.coral.service#ServiceUnavailableException",
            InternalFailure => "com.amazon.coral.service#InternalFailure",
        }
    }

    /// Code in the query protocol, also sent to JSON clients in `x-amzn-query-error`.
    pub fn query_code(self) -> &'static str {
        use Kind::*;
        match self {
            BatchEntryIdsNotDistinct => "AWS.SimpleQueueService.BatchEntryIdsNotDistinct",
            BatchRequestTooLong => "AWS.SimpleQueueService.BatchRequestTooLong",
            EmptyBatchRequest => "AWS.SimpleQueueService.EmptyBatchRequest",
            InvalidBatchEntryId => "AWS.SimpleQueueService.InvalidBatchEntryId",
            TooManyEntriesInBatchRequest => "AWS.SimpleQueueService.TooManyEntriesInBatchRequest",
            QueueDeletedRecently => "AWS.SimpleQueueService.QueueDeletedRecently",
            QueueDoesNotExist => "AWS.SimpleQueueService.NonExistentQueue",
            QueueNameExists => "QueueAlreadyExists",
            UnsupportedOperation => "AWS.SimpleQueueService.UnsupportedOperation",
            PurgeQueueInProgress => "AWS.SimpleQueueService.PurgeQueueInProgress",
            OverLimit => "OverLimit",
            ReceiptHandleIsInvalid => "ReceiptHandleIsInvalid",
            ResourceNotFound => "ResourceNotFoundException",
            InvalidAddress => "InvalidAddress",
            InvalidRequest => "InvalidRequest",
            RequestThrottled => "RequestThrottled",
            InvalidAttributeName => "InvalidAttributeName",
            InvalidAttributeValue => "InvalidAttributeValue",
            InvalidMessageContents => "InvalidMessageContents",
            InvalidParameterValue => "InvalidParameterValue",
            MissingParameter => "MissingParameter",
            EmptyValue => "EmptyValue",
            InvalidAction => "InvalidAction",
            UnknownOperation | MissingAction => "UnknownOperation",
            Serialization => "MalformedInput",
            RequestTooLarge => "RequestEntityTooLarge",
            AccessDenied => "AccessDenied",
            MissingToken => "MissingAuthenticationToken",
            IncompleteSignature => "IncompleteSignature",
            InvalidToken => "InvalidClientTokenId",
            ExpiredToken => "ExpiredToken",
            SignatureMismatch => "SignatureDoesNotMatch",
            ServiceUnavailable => "ServiceUnavailable",
            InternalFailure => "InternalFailure",
        }
    }

    /// HTTP status.
    pub fn status(self) -> u16 {
        use Kind::*;
        match self {
            PurgeQueueInProgress | OverLimit | RequestThrottled | AccessDenied | MissingToken
            | IncompleteSignature | InvalidToken | ExpiredToken | SignatureMismatch => 403,
            ReceiptHandleIsInvalid
            | ResourceNotFound
            | InvalidAddress
            | UnknownOperation
            | MissingAction => 404,
            RequestTooLarge => 413,
            InternalFailure => 500,
            ServiceUnavailable => 503,
            _ => 400,
        }
    }

    /// Whether it is the client's doing.
    pub fn is_senders(self) -> bool {
        self.status() < 500
    }
}
