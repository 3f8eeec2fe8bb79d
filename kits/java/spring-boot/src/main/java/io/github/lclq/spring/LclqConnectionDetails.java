package io.github.lclq.spring;

import io.awspring.cloud.autoconfigure.core.AwsConnectionDetails;
import io.github.lclq.Sandbox;
import java.net.URI;

/** Where Spring Cloud AWS finds SQS, and as whom it comes there. */
record LclqConnectionDetails(URI endpoint, String account) implements AwsConnectionDetails {
    @Override
    public URI getEndpoint() {
        return endpoint;
    }

    @Override
    public String getRegion() {
        return Sandbox.REGION;
    }

    @Override
    public String getAccessKey() {
        return account;
    }

    @Override
    public String getSecretKey() {
        return "test";
    }
}
