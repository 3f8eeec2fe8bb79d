package io.github.lclq;

import java.lang.annotation.Documented;
import java.lang.annotation.ElementType;
import java.lang.annotation.Inherited;
import java.lang.annotation.Retention;
import java.lang.annotation.RetentionPolicy;
import java.lang.annotation.Target;
import org.junit.jupiter.api.extension.ExtendWith;

/**
 * Gives JUnit tests a {@link Sandbox}, on a server that the whole run shares, or a {@link Server} of a test's own,
 * as parameters.
 *
 * <pre>{@code
 * @Lclq
 * class OrdersTest {
 *     @Test
 *     void ordersAreSent(Sandbox sandbox) { ... }
 * }
 * }</pre>
 */
@Target({ElementType.TYPE, ElementType.METHOD})
@Retention(RetentionPolicy.RUNTIME)
@Documented
@Inherited
@ExtendWith(LclqExtension.class)
public @interface Lclq {}
