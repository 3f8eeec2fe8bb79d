//! tokio's current-thread runtime as it comes.

use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;

pub fn serve() {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_io()
        .build()
        .expect("a runtime");
    let local = tokio::task::LocalSet::new();
    local.block_on(&runtime, async {
        let listener = tokio::net::TcpListener::from_std(crate::listen()).expect("a listener");
        crate::announce(listener.local_addr().expect("bound"));
        while let Ok((stream, _)) = listener.accept().await {
            stream.set_nodelay(true).expect("a socket");
            tokio::task::spawn_local(
                http1::Builder::new()
                    .serve_connection(TokioIo::new(stream), service_fn(crate::answer)),
            );
        }
    });
}
