module github.com/lclq/lclq/kits/go

go 1.22
