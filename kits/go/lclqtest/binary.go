package lclqtest

import (
	"compress/gzip"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
)

// carried is the binary that a module brought with it: gzip, and what tells it from others.
var carried struct {
	sync.Mutex
	packed   string
	checksum string
}

// Carry registers a binary, packed by gzip, with the checksum of what it unpacks to. For modules that
// carry one.
func Carry(packed, checksum string) {
	carried.Lock()
	defer carried.Unlock()
	carried.packed, carried.checksum = packed, checksum
}

// FindBinary is the path of the server's binary: what LCLQ_BIN names, else one that a module carries,
// else lclq on PATH.
func FindBinary() (string, error) {
	if named := os.Getenv("LCLQ_BIN"); named != "" {
		if _, err := os.Stat(named); err != nil {
			return "", fmt.Errorf("LCLQ_BIN names %s, which isn't there", named)
		}
		return named, nil
	}
	carried.Lock()
	defer carried.Unlock()
	if carried.packed != "" {
		return unpack(carried.packed, carried.checksum)
	}
	onPath, err := exec.LookPath("lclq")
	if err != nil {
		return "", errors.New("no module carries the lclq binary and it isn't on PATH: name one by LCLQ_BIN")
	}
	return onPath, nil
}

// unpack puts the binary into the user's cache, once for all tests. Those that do it at the same time each
// write a file of their own and move it there.
func unpack(packed, checksum string) (string, error) {
	cache, err := os.UserCacheDir()
	if err != nil {
		cache = os.TempDir()
	}
	directory := filepath.Join(cache, "lclq", checksum)
	path := filepath.Join(directory, "lclq")
	if runtime.GOOS == "windows" {
		path += ".exe"
	}
	if _, err := os.Stat(path); err == nil {
		return path, nil
	}
	if err := os.MkdirAll(directory, 0o755); err != nil {
		return "", err
	}
	file, err := os.CreateTemp(directory, "unpacking-")
	if err != nil {
		return "", err
	}
	defer os.Remove(file.Name())
	err = write(file, packed)
	if err == nil {
		err = os.Rename(file.Name(), path)
	}
	if _, there := os.Stat(path); err != nil && there != nil {
		return "", fmt.Errorf("the lclq binary can't be unpacked: %w", err)
	}
	return path, nil
}

func write(file *os.File, packed string) error {
	defer file.Close()
	content, err := gzip.NewReader(strings.NewReader(packed))
	if err != nil {
		return err
	}
	if _, err := io.Copy(file, content); err != nil {
		return err
	}
	if err := file.Chmod(0o755); err != nil && runtime.GOOS != "windows" {
		return err
	}
	return file.Close()
}
