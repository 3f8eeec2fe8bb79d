package lclq;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.github.lclq.testcontainers.LclqContainer;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.springframework.core.io.support.SpringFactoriesLoader;
import org.testcontainers.utility.DockerImageName;

/** What of the containers needs no engine that runs them; none of these tests starts one. */
class ContainerTest {
    @Test
    void anImageIsTakenByItsName() {
        try (LclqContainer container = new LclqContainer("registry.example/mirror/lclq:0.1.0")) {
            assertEquals(List.of(9324, 8085, 9000), container.getExposedPorts());
            assertEquals("true", container.getEnvMap().get("LCLQ_TEST_CONTROLS"));
            assertEquals("off", container.getEnvMap().get("LCLQ_ADMIN_AUTH"));
        }
        DockerImageName other = DockerImageName.parse("redis:7");
        assertThrows(IllegalStateException.class, () -> new LclqContainer(other));
    }

    @Test
    void springBootFindsTheConnectionOfAContainer() throws ClassNotFoundException {
        Class<?> kind = Class.forName("org.springframework.boot.autoconfigure.service.connection.ConnectionDetailsFactory");
        List<?> all = SpringFactoriesLoader.forDefaultResourceLocation()
                // Factories of other containers want classes that aren't here.
                .load(kind, null, (type, name, failure) -> {});
        assertTrue(all.stream().anyMatch(one -> one.getClass().getName().startsWith("io.github.lclq.")), all.toString());
    }
}
