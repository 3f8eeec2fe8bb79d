package main

import (
	"os"

	"google.golang.org/api/option"
	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"
)

// emulator has a generated client go where PUBSUB_EMULATOR_HOST says, which only pubsub.NewClient looks at itself.
func emulator() []option.ClientOption {
	address := os.Getenv("PUBSUB_EMULATOR_HOST")
	if address == "" {
		return nil
	}
	return []option.ClientOption{
		option.WithEndpoint(address),
		option.WithoutAuthentication(),
		option.WithGRPCDialOption(grpc.WithTransportCredentials(insecure.NewCredentials())),
	}
}
