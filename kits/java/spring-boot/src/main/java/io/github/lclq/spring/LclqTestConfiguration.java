package io.github.lclq.spring;

import io.awspring.cloud.autoconfigure.core.AwsConnectionDetails;
import io.github.lclq.Sandbox;
import io.github.lclq.Server;
import org.springframework.context.annotation.Bean;
import org.springframework.context.annotation.Configuration;
import org.springframework.test.context.DynamicPropertyRegistrar;

/**
 * A service connection without a container: {@code @Import(LclqTestConfiguration.class)} on a
 * {@code @SpringBootTest} starts a server, brings Spring Cloud AWS and Spring Cloud GCP to a sandbox of it, and
 * stops it with the application's context.
 */
@Configuration(proxyBeanMethods = false)
public class LclqTestConfiguration {
    @Bean(destroyMethod = "close")
    Server lclqServer() {
        return Server.start();
    }

    @Bean(destroyMethod = "")
    Sandbox lclqSandbox(Server server) {
        return server.sandbox();
    }

    @Bean
    AwsConnectionDetails lclqConnectionDetails(Sandbox sandbox) {
        return new LclqConnectionDetails(sandbox.endpoint(), sandbox.account());
    }

    @Bean
    DynamicPropertyRegistrar lclqPubsub(Sandbox sandbox) {
        return properties -> {
            properties.add("spring.cloud.gcp.pubsub.emulator-host", sandbox::pubsub);
            properties.add("spring.cloud.gcp.project-id", sandbox::project);
        };
    }
}
