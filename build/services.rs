//! What a service becomes: a trait, an enum of its methods, and two ways to call them.

use prost_build::{Method, Service, ServiceGenerator};
use std::fmt::Write;

/// Writes services whose futures stay on their core: `Rc<Self>`, no `Send`.
pub struct Services {
    /// `Service.Method`: its messages are handed over encoded.
    pub encoded_methods: &'static [&'static str],
}

impl ServiceGenerator for Services {
    fn generate(&mut self, service: Service, out: &mut String) {
        // Writing to a String can't fail.
        let _ = self.write_trait(&service, out);
        let _ = self.write_module(&service, out);
    }
}

impl Services {
    fn is_encoded(&self, service: &Service, method: &Method) -> bool {
        let name = format!("{}.{}", service.proto_name, method.proto_name);
        self.encoded_methods.contains(&name.as_str())
    }

    fn write_trait(&self, service: &Service, out: &mut String) -> std::fmt::Result {
        write_comments(&service.comments.leading, "", out)?;
        writeln!(out, "pub trait {}: 'static {{", service.name)?;
        for method in &service.methods {
            write_comments(&method.comments.leading, "    ", out)?;
            let (request, reply) = if self.is_encoded(service, method) {
                ("::bytes::Bytes", "crate::grpc::Encoded")
            } else {
                (&*method.input_type, &*method.output_type)
            };
            let takes = match (method.client_streaming, method.server_streaming) {
                (false, false) => format!("request: {request}"),
                (false, true) => {
                    format!("request: {request}, replies: crate::grpc::Replies<{reply}>")
                }
                (true, _) => format!(
                    "requests: crate::grpc::Requests<{request}>, \
                     replies: crate::grpc::Replies<{reply}>"
                ),
            };
            let gives = match method.server_streaming || method.client_streaming {
                true => "()",
                false => reply,
            };
            writeln!(
                out,
                "    fn {}(self: ::std::rc::Rc<Self>, {takes}) -> impl ::std::future::Future<\
                 Output = ::std::result::Result<{gives}, crate::grpc::Status>>;",
                method.name
            )?;
        }
        writeln!(out, "}}")
    }

    fn write_module(&self, service: &Service, out: &mut String) -> std::fmt::Result {
        let module = snake_case(&service.name);
        let full = format!("{}.{}", service.package, service.proto_name);
        writeln!(out, "/// Calling `{full}`.\npub mod {module} {{")?;
        writeln!(out, "    use std::rc::Rc;")?;
        writeln!(out, "    /// The service's full name.")?;
        writeln!(out, "    pub const NAME: &str = {full:?};")?;

        writeln!(out, "    /// The service's methods.")?;
        writeln!(
            out,
            "    #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]"
        )?;
        writeln!(out, "    pub enum Method {{")?;
        for method in &service.methods {
            writeln!(out, "        {},", method.proto_name)?;
        }
        writeln!(out, "    }}\n    impl Method {{")?;
        writeln!(out, "        /// All of them.")?;
        writeln!(out, "        pub const ALL: &'static [Method] = &[")?;
        for method in &service.methods {
            writeln!(out, "            Method::{},", method.proto_name)?;
        }
        writeln!(out, "        ];")?;
        writeln!(out, "        /// The method of that name.")?;
        writeln!(
            out,
            "        pub fn from_name(name: &str) -> Option<Method> {{\n            match name {{"
        )?;
        for method in &service.methods {
            let name = &method.proto_name;
            writeln!(out, "                {name:?} => Some(Method::{name}),")?;
        }
        writeln!(
            out,
            "                _ => None,\n            }}\n        }}"
        )?;
        writeln!(out, "        /// Its name without the service's.")?;
        writeln!(
            out,
            "        pub fn name(self) -> &'static str {{\n            match self {{"
        )?;
        for method in &service.methods {
            let name = &method.proto_name;
            writeln!(out, "                Method::{name} => {name:?},")?;
        }
        writeln!(out, "            }}\n        }}\n    }}")?;

        self.write_unary(service, out)?;
        self.write_dispatch(service, out)?;
        writeln!(out, "}}")
    }

    /// From an encoded request to an encoded reply, whatever carries them.
    fn write_unary(&self, service: &Service, out: &mut String) -> std::fmt::Result {
        writeln!(
            out,
            "    /// Calls a unary method with an encoded request. Streaming ones are refused.\n    \
             pub async fn unary<S: super::{}>(service: Rc<S>, method: Method, request: \
             ::bytes::Bytes) -> Result<crate::grpc::Encoded, crate::grpc::Status> {{",
            service.name
        )?;
        writeln!(out, "        match method {{")?;
        for method in &service.methods {
            let (name, function) = (&method.proto_name, &method.name);
            let action = if method.client_streaming || method.server_streaming {
                "{ let _ = (&service, &request); Err(crate::grpc::not_unary()) }".into()
            } else if self.is_encoded(service, method) {
                format!("service.{function}(request).await")
            } else {
                // Boxed, so that the hot methods' futures don't carry the room of the cold ones.
                format!(
                    "Box::pin(crate::grpc::call_decoded(request, |request| \
                     service.{function}(request))).await"
                )
            };
            writeln!(out, "            Method::{name} => {action},")?;
        }
        writeln!(out, "        }}\n    }}")
    }

    /// From a gRPC call to its answer.
    fn write_dispatch(&self, service: &Service, out: &mut String) -> std::fmt::Result {
        writeln!(
            out,
            "    /// Answers a gRPC call.\n    pub async fn dispatch<S: super::{}>(service: \
             Rc<S>, method: Method, call: crate::grpc::Call) -> crate::grpc::Answer {{",
            service.name
        )?;
        writeln!(out, "        match method {{")?;
        for method in &service.methods {
            let (name, function) = (&method.proto_name, &method.name);
            let encoded = self.is_encoded(service, method);
            let entry = match (method.client_streaming, method.server_streaming) {
                (false, false) => continue,
                (false, true) => "server_streaming",
                (true, _) if encoded => "streaming_encoded",
                (true, _) => "streaming",
            };
            let arguments = if method.client_streaming {
                "requests, replies"
            } else {
                "request, replies"
            };
            writeln!(
                out,
                "            Method::{name} => call.{entry}(move |{arguments}| \
                 service.{function}({arguments})).await,"
            )?;
        }
        if service
            .methods
            .iter()
            .any(|method| !method.client_streaming && !method.server_streaming)
        {
            writeln!(
                out,
                "            _ => call.unary(move |request| unary(service, method, request)).await,"
            )?;
        }
        writeln!(out, "        }}\n    }}")
    }
}

fn write_comments(lines: &[String], indent: &str, out: &mut String) -> std::fmt::Result {
    for line in lines.iter().flat_map(|block| block.lines()) {
        writeln!(out, "{indent}/// {}", line.trim())?;
    }
    Ok(())
}

fn snake_case(name: &str) -> String {
    let mut snake = String::new();
    for (at, letter) in name.char_indices() {
        if letter.is_ascii_uppercase() && at > 0 && !name.as_bytes()[at - 1].is_ascii_uppercase() {
            snake.push('_');
        }
        snake.push(letter.to_ascii_lowercase());
    }
    snake
}
