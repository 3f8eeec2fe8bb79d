package lclq;

import static org.junit.jupiter.api.Assertions.assertEquals;

import io.awspring.cloud.sqs.annotation.SqsListener;
import io.awspring.cloud.sqs.operations.SqsTemplate;
import io.github.lclq.spring.LclqTestConfiguration;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.springframework.beans.factory.annotation.Autowired;
import org.springframework.boot.autoconfigure.SpringBootApplication;
import org.springframework.boot.test.context.SpringBootTest;
import org.springframework.context.annotation.Import;

@SpringBootTest
@Import(LclqTestConfiguration.class)
class SpringTest {
    @SpringBootApplication
    static class Orders {
        final BlockingQueue<String> handled = new LinkedBlockingQueue<>();

        @SqsListener("orders")
        void handle(String order) {
            handled.add(order);
        }
    }

    @Test
    void anOrderIsHandled(@Autowired SqsTemplate sqs, @Autowired Orders orders) throws InterruptedException {
        sqs.send("orders", "order 7");
        assertEquals("order 7", orders.handled.poll(10, TimeUnit.SECONDS));
    }
}
