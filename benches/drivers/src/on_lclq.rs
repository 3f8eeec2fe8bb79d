//! lclq's runtime, without the HTTP layers above it.

use hyper::server::conn::http1;
use hyper::service::service_fn;
use lclq::runtime::{DriverKind, SharedListener, spawn_cores, spawn_local};
use std::net::{Ipv4Addr, SocketAddr};

pub fn serve(driver: DriverKind) {
    let address = SocketAddr::from((Ipv4Addr::LOCALHOST, 0));
    let shared = SharedListener::bind(address, 1).expect("a port");
    let address = shared.local_addr();
    let cores = spawn_cores(driver, 1, move |core| {
        let shared = shared.clone();
        async move {
            let mut listener = shared.listener(core).expect("a listener");
            while let Ok(stream) = listener.accept().await {
                spawn_local(async move {
                    let service = service_fn(crate::answer);
                    let _ended = http1::Builder::new().serve_connection(stream, service).await;
                });
            }
        }
    });
    let cores = cores.expect("a thread");
    crate::announce(address);
    cores.join().expect("nothing panics");
}
