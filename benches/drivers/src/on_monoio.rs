//! monoio on io_uring, with hyper by monoio-compat.

use hyper::server::conn::http1;
use hyper::service::service_fn;
use monoio::io::IntoPollIo;
use monoio_compat::hyper::MonoioIo;

pub fn serve() {
    let mut runtime = monoio::RuntimeBuilder::<monoio::IoUringDriver>::new()
        .build()
        .expect("a runtime");
    runtime.block_on(async {
        let listener = monoio::net::TcpListener::from_std(crate::listen()).expect("a listener");
        crate::announce(listener.local_addr().expect("bound"));
        while let Ok((stream, _)) = listener.accept().await {
            stream.set_nodelay(true).expect("a socket");
            let stream = MonoioIo::new(stream.into_poll_io().expect("a socket"));
            monoio::spawn(
                http1::Builder::new().serve_connection(stream, service_fn(crate::answer)),
            );
        }
    });
}
