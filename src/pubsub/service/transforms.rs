//! Message transforms as settings.

use std::sync::Arc;

use super::rules::check_text;
use crate::pubsub::core::Pubsub;
use crate::pubsub::error::{PubsubResult, invalid_argument, invalid_transform, too_large};
use crate::pubsub::limits::{
    CODE_BYTES_MAX, FUNCTION_NAME_BYTES_MAX, SETTING_BYTES_MAX, TRANSFORMS_MAX,
};
use crate::pubsub::proto::MessageTransform;
use crate::pubsub::proto::compression::{CompressionAlgorithm, CompressionMode};
use crate::pubsub::proto::message_transform::Transform;
use crate::pubsub::transform::{Algorithm, Transform as Step};

/// Checks the form of a topic's or subscription's transforms.
pub(super) fn check_transforms(transforms: &[MessageTransform]) -> PubsubResult<()> {
    if transforms.len() > TRANSFORMS_MAX {
        return Err(too_large(
            "message_transforms_count",
            transforms.len(),
            TRANSFORMS_MAX,
        ));
    }
    for transform in transforms {
        match &transform.transform {
            None => return Err(invalid_argument("message_transforms.transform")),
            Some(Transform::JavascriptUdf(function)) => {
                check_text(
                    "message_transforms.javascript_udf.function_name",
                    &function.function_name,
                    FUNCTION_NAME_BYTES_MAX,
                )?;
                check_text(
                    "message_transforms.javascript_udf.code",
                    &function.code,
                    CODE_BYTES_MAX,
                )?;
            }
            Some(Transform::Compression(compression)) => {
                if compression.compression_algorithm() == CompressionAlgorithm::Unspecified {
                    return Err(invalid_argument(
                        "message_transforms.compression.compression_algorithm",
                    ));
                }
                if compression.compression_mode() == CompressionMode::Unspecified {
                    return Err(invalid_argument(
                        "message_transforms.compression.compression_mode",
                    ));
                }
            }
            Some(Transform::AiInference(inference)) => {
                check_text(
                    "message_transforms.ai_inference.endpoint",
                    &inference.endpoint,
                    SETTING_BYTES_MAX,
                )?;
            }
        }
    }
    Ok(())
}

/// The steps that transforms amount to. Those that are kept only are left out, and so are disabled
/// ones, unless they are wanted.
pub(in crate::pubsub) fn steps(transforms: &[MessageTransform], disabled_too: bool) -> Arc<[Step]> {
    transforms
        .iter()
        .filter(|transform| disabled_too || !transform.disabled)
        .filter_map(|transform| match transform.transform.as_ref()? {
            Transform::JavascriptUdf(function) => Some(Step::JavaScript {
                function_name: function.function_name.clone(),
                code: function.code.clone(),
            }),
            Transform::Compression(compression) => {
                let algorithm = match compression.compression_algorithm() {
                    CompressionAlgorithm::Unspecified => return None,
                    CompressionAlgorithm::Zlib => Algorithm::Zlib,
                    CompressionAlgorithm::Zstd => Algorithm::Zstd,
                };
                match compression.compression_mode() {
                    CompressionMode::Unspecified => None,
                    CompressionMode::Compress => Some(Step::Compress(algorithm)),
                    CompressionMode::Decompress => Some(Step::Decompress(algorithm)),
                }
            }
            Transform::AiInference(_) => None,
        })
        .collect()
}

impl Pubsub {
    /// Tries transforms out: that functions' code runs and defines them.
    pub(super) async fn try_transforms(&self, transforms: &[MessageTransform]) -> PubsubResult<()> {
        let steps = steps(transforms, true);
        if steps.is_empty() {
            return Ok(());
        }
        self.transformer
            .check(&steps)
            .await
            .map_err(|why| invalid_transform(&why))
    }
}
