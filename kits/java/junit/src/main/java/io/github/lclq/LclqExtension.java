package io.github.lclq;

import org.junit.jupiter.api.extension.ExtensionContext;
import org.junit.jupiter.api.extension.ExtensionContext.Namespace;
import org.junit.jupiter.api.extension.ExtensionContext.Store;
import org.junit.jupiter.api.extension.ParameterContext;
import org.junit.jupiter.api.extension.ParameterResolver;

/** See {@link Lclq}. */
public final class LclqExtension implements ParameterResolver {
    private static final Namespace PLACE = Namespace.create(LclqExtension.class);

    /** What JUnit closes when a test, or the run, has ended. */
    private record Held<T extends AutoCloseable>(T it) implements Store.CloseableResource, AutoCloseable {
        @Override
        public void close() throws Exception {
            it.close();
        }
    }

    @Override
    public boolean supportsParameter(ParameterContext parameter, ExtensionContext context) {
        Class<?> type = parameter.getParameter().getType();
        return type == Sandbox.class || type == Server.class;
    }

    @Override
    public Object resolveParameter(ParameterContext parameter, ExtensionContext context) {
        Store test = context.getStore(PLACE);
        if (parameter.getParameter().getType() == Server.class) {
            return held(test, "server", Server::start);
        }
        Store run = context.getRoot().getStore(PLACE);
        return held(test, "sandbox", () -> held(run, "shared", Server::start).sandbox());
    }

    @SuppressWarnings("unchecked")
    private static <T extends AutoCloseable> T held(
            Store store, String name, java.util.function.Supplier<T> make) {
        return ((Held<T>) store.getOrComputeIfAbsent(name, key -> new Held<>(make.get()), Held.class)).it();
    }
}
