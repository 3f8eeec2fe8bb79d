package io.github.lclq.testcontainers;

import java.net.URI;
import org.testcontainers.containers.GenericContainer;
import org.testcontainers.containers.wait.strategy.Wait;
import org.testcontainers.utility.DockerImageName;

/**
 * A container with lclq, by an image's name.
 *
 * <pre>{@code
 * @Container
 * static LclqContainer lclq = new LclqContainer("ghcr.io/lclq/lclq:0.1.0");
 * }</pre>
 */
public class LclqContainer extends GenericContainer<LclqContainer> {
    private static final DockerImageName IMAGE = DockerImageName.parse("ghcr.io/lclq/lclq");
    private static final int SQS_PORT = 9324;
    private static final int PUBSUB_PORT = 8085;
    private static final int ADMIN_PORT = 9000;

    /** A container of this image. */
    public LclqContainer(String image) {
        this(DockerImageName.parse(image).asCompatibleSubstituteFor(IMAGE));
    }

    /** A container of this image. */
    public LclqContainer(DockerImageName image) {
        super(image);
        image.assertCompatibleWith(IMAGE);
        withExposedPorts(SQS_PORT, PUBSUB_PORT, ADMIN_PORT);
        withEnv("LCLQ_TEST_CONTROLS", "true");
        // The container is the test's alone; with a token asked for, nobody would have one.
        withEnv("LCLQ_ADMIN_AUTH", "off");
        waitingFor(Wait.forHttp("/api/v1/health").forPort(ADMIN_PORT));
    }

    /** The URL of SQS. */
    public URI getEndpoint() {
        return url(SQS_PORT);
    }

    /** Host and port of Pub/Sub, as PUBSUB_EMULATOR_HOST wants them. */
    public String getPubsub() {
        return getHost() + ":" + getMappedPort(PUBSUB_PORT);
    }

    /** The URL of the admin API, the metrics and the web console. */
    public URI getAdmin() {
        return url(ADMIN_PORT);
    }

    private URI url(int port) {
        return URI.create("http://" + getHost() + ":" + getMappedPort(port));
    }
}
