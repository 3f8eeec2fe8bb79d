//! A server with nothing behind: lclq's own runtime and HTTP layers, and whatever handler answers.

use std::error::Error;
use std::net::{Ipv4Addr, SocketAddr};
use std::rc::Rc;

use bytes::Bytes;
use http::{Request, Response};
use hyper::body::{Body, Incoming};
use lclq::http::{HttpLimits, serve_with};
use lclq::net::Secure;
use lclq::runtime::{self, RuntimeChoice, SharedListener, Shutdown};
use lclq::tls::{Certificate, Tls, TlsOnCore, TlsSettings};
use std::path::PathBuf;

/// Where and how to run.
#[derive(clap::Args, Clone, Debug)]
pub struct NoopOptions {
    /// Which driver to run on.
    #[arg(long, value_enum, default_value_t = RuntimeChoice::Auto)]
    runtime: RuntimeChoice,
    /// Cores to run on.
    #[arg(long, default_value_t = 1)]
    cores: usize,
    /// Port to listen on, 0 for any.
    #[arg(long, default_value_t = 0)]
    port: u16,
    /// Speak TLS, too, by an authority of its own that is kept there.
    #[arg(long, value_name = "DIR")]
    tls_dir: Option<PathBuf>,
}

/// Serves until it is told to stop, and says where as lclq would for its endpoint of this name.
/// `make` makes a core's handler.
pub fn serve_noop<M, H, Fut, B>(
    options: &NoopOptions,
    endpoint: &str,
    make: M,
) -> Result<(), Box<dyn Error>>
where
    M: Fn() -> H + Clone + Send + 'static,
    H: Fn(Request<Incoming>) -> Fut + 'static,
    Fut: Future<Output = Response<B>> + 'static,
    B: Body<Data = Bytes> + 'static,
    B::Error: Into<Box<dyn Error + Send + Sync>>,
{
    tracing_subscriber::fmt()
        .with_writer(std::io::stderr)
        .init();
    let (driver, _why) = runtime::choose(options.runtime)?;
    let addr = SocketAddr::from((Ipv4Addr::LOCALHOST, options.port));
    let shared = SharedListener::bind(addr, options.cores)?;
    println!("listening {endpoint} http://{}", shared.local_addr());
    let tls = options.tls_dir.clone().map(|directory| {
        Tls::start(TlsSettings {
            certificate: Certificate::SelfSigned {
                directory,
                names: Vec::new(),
            },
            client_ca: None,
            only: false,
        })
    });
    let tls = tls.transpose()?;
    let shutdown = Shutdown::new();
    let cores = runtime::spawn_cores(driver, options.cores, move |core| {
        let (shared, shutdown, make) = (shared.clone(), shutdown.clone(), make.clone());
        let tls = tls.clone();
        async move {
            if core == 0 {
                let shutdown = shutdown.clone();
                runtime::spawn_local(async move {
                    if let Ok(signal) = runtime::shutdown_signal() {
                        signal.await;
                    }
                    shutdown.trigger();
                });
            }
            let listener = shared.listener(core).expect("the listener can be shared");
            let secure = tls.map(|tls| Rc::new(TlsOnCore::new(tls)) as Rc<dyn Secure>);
            let limits = Rc::new(HttpLimits::default());
            serve_with(listener, limits, secure, make(), shutdown).await;
        }
    })?;
    println!("ready");
    cores.join()?;
    Ok(())
}
