//! The real collector and the real Prometheus in containers, against our receiver and our exporters.

mod exporters;
mod prometheus;
mod receivers;

use std::net::{IpAddr, Ipv4Addr, SocketAddr, UdpSocket};

use devstack::{
    backend::{Backend, Config, Ledger, TrafficHandle, Upstreams},
    support::tls,
};
use testcontainers::{
    ContainerAsync, GenericImage, ImageExt,
    bollard::Docker,
    core::{Host, IntoContainerPort, WaitFor},
    runners::AsyncRunner,
};
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

/// This machine as it is called in a container.
const HOST: &str = "host.docker.internal";

/// A running backend, as far as these tests see it.
struct Receiver {
    grpc: SocketAddr,
    http: SocketAddr,
    ledger: Ledger,
    traffic: TrafficHandle,
    shutdown: CancellationToken,
}

impl Receiver {
    /// One that containers can reach.
    async fn for_containers() -> Self {
        let anywhere = SocketAddr::new(address_for_containers().await, 0);
        let allow_hosts = vec![HOST.to_owned()];
        Self::start(Config { otlp_grpc: anywhere, otlp_http: anywhere, allow_hosts, ..Config::default() }).await
    }

    /// One that passes on to there.
    async fn in_front_of(upstreams: Upstreams) -> Self {
        Self::start(Config { forward: Some(watch::channel(upstreams).1), ..Config::default() }).await
    }

    async fn start(config: Config) -> Self {
        tls::install();
        let backend = Backend::bind(config).await.unwrap();
        let (grpc, http) = (backend.otlp_grpc(), backend.otlp_http());
        let (ledger, traffic, shutdown) = (backend.ledger(), backend.traffic(), CancellationToken::new());
        tokio::spawn(backend.run(shutdown.clone()));
        Self { grpc, http, ledger, traffic, shutdown }
    }
}

impl Drop for Receiver {
    fn drop(&mut self) {
        self.shutdown.cancel();
    }
}

/// The address of this machine on the network of containers, and on no other. Where the engine runs in a virtual machine, it brings
/// connections to the loopback interface itself.
async fn address_for_containers() -> IpAddr {
    if cfg!(target_os = "macos") {
        return Ipv4Addr::LOCALHOST.into();
    }
    let bridge = Docker::connect_with_defaults().unwrap().inspect_network("bridge", None).await.unwrap();
    let subnet = bridge.ipam.unwrap().config.unwrap()[0].subnet.clone().unwrap();
    let network: Ipv4Addr = subnet.split('/').next().unwrap().parse().unwrap();
    // Nothing is sent: connecting only asks which address it would be sent from.
    let socket = UdpSocket::bind((Ipv4Addr::UNSPECIFIED, 0)).unwrap();
    socket.connect((Ipv4Addr::from_bits(network.to_bits() + 2), 9)).unwrap();
    socket.local_addr().unwrap().ip()
}

/// The collector with this configuration, ready; removed when it is dropped.
async fn collector(config: &str, ports: &[u16]) -> ContainerAsync<GenericImage> {
    let image = GenericImage::new("otel/opentelemetry-collector-contrib", "0.158.0")
        .with_wait_for(WaitFor::message_on_stderr("Everything is ready. Begin running and processing data."));
    ports
        .iter()
        .fold(image, |image, port| image.with_exposed_port(port.tcp()))
        .with_cmd(["--config=env:OTELCOL_CONFIG"])
        .with_env_var("OTELCOL_CONFIG", config)
        .with_host(HOST, Host::HostGateway)
        .with_label("dev.devstack.test", "collector")
        .start()
        .await
        .unwrap()
}

/// Where a port of a container is on this machine.
async fn published(container: &ContainerAsync<GenericImage>, port: u16) -> String {
    format!("127.0.0.1:{}", container.get_host_port_ipv4(port.tcp()).await.unwrap())
}
