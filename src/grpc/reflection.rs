//! `grpc.reflection`: what services and messages there are. Tools such as grpcurl ask for it.

use bytes::Bytes;
use prost::Message;
use prost_types::{DescriptorProto, EnumDescriptorProto, FileDescriptorProto};
use std::collections::{BTreeMap, BTreeSet};
use std::rc::Rc;

use super::error::{extension_not_found, not_found, nothing_asked};
use super::replies::Replies;
use super::requests::Requests;
use super::status::Status;

/// The descriptors that reflection answers from.
pub struct ReflectionService {
    services: Vec<String>,
    files: BTreeMap<String, File>,
    /// Full names of messages, fields, enums, values, services and methods, and their files.
    symbols: BTreeMap<String, String>,
    /// Extended message to its extensions' numbers and their files.
    extensions: BTreeMap<String, BTreeMap<i32, String>>,
}

struct File {
    encoded: Bytes,
    imports: Vec<String>,
}

/// Keeps the files of a set encoded, as they stand in it: prost would drop the options it doesn't
/// know.
#[derive(Clone, PartialEq, Message)]
struct EncodedFiles {
    #[prost(bytes = "bytes", repeated, tag = "1")]
    file: Vec<Bytes>,
}

/// What reflection answers, in either version.
enum Found {
    Files(Vec<Bytes>),
    Extensions(String, Vec<i32>),
    Services(Vec<String>),
    Error(Status),
}

/// What reflection is asked, in either version.
enum Question {
    File(String),
    Symbol(String),
    Extension(String, i32),
    ExtensionsOf(String),
    Services,
    Nothing,
}

impl ReflectionService {
    /// Answers from an encoded `FileDescriptorSet`, and lists `services` (full names).
    ///
    /// # Panics
    /// If the set can't be decoded: it is made at build time.
    pub fn new(descriptors: &'static [u8], services: &[&str]) -> Rc<Self> {
        let set = EncodedFiles::decode(Bytes::from_static(descriptors));
        let mut service = ReflectionService {
            services: services.iter().map(|name| (*name).into()).collect(),
            files: BTreeMap::new(),
            symbols: BTreeMap::new(),
            extensions: BTreeMap::new(),
        };
        for encoded in set.expect("descriptors are made at build time").file {
            let file = FileDescriptorProto::decode(encoded.clone());
            service.add(file.expect("descriptors are made at build time"), encoded);
        }
        Rc::new(service)
    }

    fn add(&mut self, file: FileDescriptorProto, encoded: Bytes) {
        let name = file.name().to_owned();
        let package = file.package();
        let mut symbols = Vec::new();
        for message in &file.message_type {
            self.add_message(package, message, &name, &mut symbols);
        }
        for kind in &file.enum_type {
            add_enum(package, kind, &mut symbols);
        }
        for service in &file.service {
            let full = join(package, service.name());
            symbols.extend(
                service
                    .method
                    .iter()
                    .map(|method| join(&full, method.name())),
            );
            symbols.push(full);
        }
        for extension in &file.extension {
            symbols.push(join(package, extension.name()));
            self.add_extension(extension, &name);
        }
        for symbol in symbols {
            self.symbols.insert(symbol, name.clone());
        }
        let imports = file.dependency;
        self.files.insert(name, File { encoded, imports });
    }

    fn add_message(
        &mut self,
        scope: &str,
        message: &DescriptorProto,
        file: &str,
        symbols: &mut Vec<String>,
    ) {
        let full = join(scope, message.name());
        symbols.extend(message.field.iter().map(|field| join(&full, field.name())));
        symbols.extend(
            message
                .oneof_decl
                .iter()
                .map(|oneof| join(&full, oneof.name())),
        );
        for nested in &message.nested_type {
            self.add_message(&full, nested, file, symbols);
        }
        for kind in &message.enum_type {
            add_enum(&full, kind, symbols);
        }
        for extension in &message.extension {
            symbols.push(join(&full, extension.name()));
            self.add_extension(extension, file);
        }
        symbols.push(full);
    }

    fn add_extension(&mut self, extension: &prost_types::FieldDescriptorProto, file: &str) {
        let extended = extension.extendee().trim_start_matches('.').to_owned();
        let numbers = self.extensions.entry(extended).or_default();
        numbers.insert(extension.number(), file.to_owned());
    }

    fn answer(&self, question: &Question) -> Found {
        let file = match question {
            Question::Nothing => return Found::Error(nothing_asked()),
            Question::Services => return Found::Services(self.services.clone()),
            Question::ExtensionsOf(message) => {
                if !self.symbols.contains_key(message) {
                    return Found::Error(not_found(message));
                }
                let numbers = self.extensions.get(message);
                let numbers = numbers.into_iter().flat_map(BTreeMap::keys);
                return Found::Extensions(message.clone(), numbers.copied().collect());
            }
            Question::File(name) => self.files.get_key_value(name).map(|(name, _)| name),
            Question::Symbol(name) => self.symbols.get(name),
            Question::Extension(message, number) => self
                .extensions
                .get(message)
                .and_then(|numbers| numbers.get(number)),
        };
        match (file, question) {
            (Some(file), _) => Found::Files(self.with_imports(file)),
            (None, Question::File(name) | Question::Symbol(name)) => Found::Error(not_found(name)),
            (None, _) => Found::Error(extension_not_found()),
        }
    }

    /// A file, and after it those that it needs.
    fn with_imports(&self, name: &str) -> Vec<Bytes> {
        let (mut wanted, mut seen) = (vec![name], BTreeSet::from([name]));
        let mut found = Vec::new();
        while let Some(name) = wanted.pop() {
            let Some(file) = self.files.get(name) else {
                continue;
            };
            found.push(file.encoded.clone());
            wanted.extend(
                file.imports
                    .iter()
                    .map(String::as_str)
                    .filter(|import| seen.insert(import)),
            );
        }
        found
    }
}

fn add_enum(scope: &str, kind: &EnumDescriptorProto, symbols: &mut Vec<String>) {
    symbols.push(join(scope, kind.name()));
    // Values stand beside their enum, not within it.
    symbols.extend(kind.value.iter().map(|value| join(scope, value.name())));
}

fn join(scope: &str, name: &str) -> String {
    if scope.is_empty() {
        name.to_owned()
    } else {
        format!("{scope}.{name}")
    }
}

/// Both versions have the same messages under different names.
macro_rules! serve {
    ($version:ident) => {
        mod $version {
            use super::*;
            use crate::proto::grpc::reflection::$version::server_reflection_request::MessageRequest;
            use crate::proto::grpc::reflection::$version::server_reflection_response::MessageResponse;
            use crate::proto::grpc::reflection::$version::*;

            impl ServerReflection for ReflectionService {
                async fn server_reflection_info(
                    self: Rc<Self>,
                    mut requests: Requests<ServerReflectionRequest>,
                    replies: Replies<ServerReflectionResponse>,
                ) -> Result<(), Status> {
                    while let Some(request) = requests.next().await? {
                        let question = match request.message_request.clone() {
                            Some(MessageRequest::FileByFilename(name)) => Question::File(name),
                            Some(MessageRequest::FileContainingSymbol(name)) => {
                                Question::Symbol(name)
                            }
                            Some(MessageRequest::FileContainingExtension(wanted)) => {
                                let ExtensionRequest {
                                    containing_type,
                                    extension_number,
                                } = wanted;
                                Question::Extension(containing_type, extension_number)
                            }
                            Some(MessageRequest::AllExtensionNumbersOfType(name)) => {
                                Question::ExtensionsOf(name)
                            }
                            Some(MessageRequest::ListServices(_)) => Question::Services,
                            None => Question::Nothing,
                        };
                        let answer = match self.answer(&question) {
                            Found::Files(file_descriptor_proto) => {
                                MessageResponse::FileDescriptorResponse(FileDescriptorResponse {
                                    file_descriptor_proto,
                                })
                            }
                            Found::Extensions(base_type_name, extension_number) => {
                                MessageResponse::AllExtensionNumbersResponse(
                                    ExtensionNumberResponse {
                                        base_type_name,
                                        extension_number,
                                    },
                                )
                            }
                            Found::Services(names) => {
                                let service =
                                    names.into_iter().map(|name| ServiceResponse { name });
                                MessageResponse::ListServicesResponse(ListServiceResponse {
                                    service: service.collect(),
                                })
                            }
                            Found::Error(status) => {
                                MessageResponse::ErrorResponse(ErrorResponse {
                                    error_code: status.code.number(),
                                    error_message: status.message.into_owned(),
                                })
                            }
                        };
                        let reply = ServerReflectionResponse {
                            valid_host: request.host.clone(),
                            original_request: Some(request),
                            message_response: Some(answer),
                        };
                        if replies.send(reply).await.is_err() {
                            break;
                        }
                    }
                    Ok(())
                }
            }
        }
    };
}

serve!(v1);
serve!(v1alpha);

#[cfg(test)]
mod tests {
    use super::*;
    use crate::grpc::Code;
    use crate::proto::DESCRIPTORS;

    fn names(found: &Found) -> Vec<String> {
        let Found::Files(files) = found else {
            panic!("no files");
        };
        let decode = |file: &Bytes| FileDescriptorProto::decode(file.clone()).unwrap();
        files
            .iter()
            .map(|file| decode(file).name().into())
            .collect()
    }

    #[test]
    fn symbols_lead_to_their_files_and_what_those_import() {
        let service = ReflectionService::new(DESCRIPTORS, &["google.pubsub.v1.Publisher"]);
        for symbol in [
            "google.pubsub.v1.Publisher",
            "google.pubsub.v1.Publisher.Publish",
            "google.pubsub.v1.Topic",
            "google.pubsub.v1.Topic.labels",
            "google.pubsub.v1.Topic.State",
            "google.pubsub.v1.Topic.INGESTION_RESOURCE_ERROR",
            "google.pubsub.v1.Topic.LabelsEntry",
        ] {
            let names = names(&service.answer(&Question::Symbol(symbol.into())));
            assert_eq!(names[0], "google/pubsub/v1/pubsub.proto", "{symbol}");
            for import in [
                "google/protobuf/descriptor.proto",
                "google/protobuf/timestamp.proto",
                "google/pubsub/v1/schema.proto",
            ] {
                assert!(names.iter().any(|name| name == import), "{import}");
            }
            let distinct: BTreeSet<_> = names.iter().collect();
            assert_eq!(distinct.len(), names.len());
        }
        let missing = service.answer(&Question::Symbol("google.pubsub.v1.Nothing".into()));
        assert!(matches!(missing, Found::Error(status) if status.code == Code::NotFound));
    }

    #[test]
    fn extensions_are_found() {
        let service = ReflectionService::new(DESCRIPTORS, &[]);
        let options = "google.protobuf.MethodOptions";
        let found = service.answer(&Question::Extension(options.into(), 72_295_728));
        assert_eq!(names(&found)[0], "google/api/annotations.proto");
        match service.answer(&Question::ExtensionsOf(options.into())) {
            Found::Extensions(name, numbers) => {
                assert_eq!((&*name, &numbers[..]), (options, &[72_295_728][..]));
            }
            _ => panic!("no extensions"),
        }
    }

    #[test]
    fn http_rules_survive() {
        let service = ReflectionService::new(DESCRIPTORS, &[]);
        let pubsub = &service.files["google/pubsub/v1/pubsub.proto"].encoded;
        let rule = b"/v1/{topic=projects/*/topics/*}:publish";
        assert!(pubsub.windows(rule.len()).any(|window| window == rule));
    }
}
