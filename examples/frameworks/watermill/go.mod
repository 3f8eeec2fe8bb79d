module example.com/watermill

go 1.26.0
