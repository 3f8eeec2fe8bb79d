package io.github.lclq.spring;

import io.awspring.cloud.autoconfigure.core.AwsConnectionDetails;
import io.github.lclq.testcontainers.LclqContainer;
import java.net.URI;
import org.springframework.boot.testcontainers.service.connection.ContainerConnectionDetailsFactory;
import org.springframework.boot.testcontainers.service.connection.ContainerConnectionSource;

/** Has {@code @ServiceConnection} on an {@link LclqContainer} bring Spring Cloud AWS there. */
class LclqContainerConnectionDetailsFactory
        extends ContainerConnectionDetailsFactory<LclqContainer, AwsConnectionDetails> {
    /** An account's number, since nobody else uses the container. */
    private static final String ACCOUNT = "000000000000";

    @Override
    protected AwsConnectionDetails getContainerConnectionDetails(ContainerConnectionSource<LclqContainer> source) {
        return new Details(source);
    }

    /** The container's ports are known once it has started, which is later than this is made. */
    private static final class Details extends ContainerConnectionDetails<LclqContainer>
            implements AwsConnectionDetails {
        private Details(ContainerConnectionSource<LclqContainer> source) {
            super(source);
        }

        private LclqConnectionDetails details() {
            return new LclqConnectionDetails(getContainer().getEndpoint(), ACCOUNT);
        }

        @Override
        public URI getEndpoint() {
            return details().getEndpoint();
        }

        @Override
        public String getRegion() {
            return details().getRegion();
        }

        @Override
        public String getAccessKey() {
            return details().getAccessKey();
        }

        @Override
        public String getSecretKey() {
            return details().getSecretKey();
        }
    }
}
