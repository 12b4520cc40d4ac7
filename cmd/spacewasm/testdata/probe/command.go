package main

import (
	"fmt"
	"io"
	"os"
	"strconv"
	"strings"
)

// command is the program without a request, as `spacewasm run` starts it.
func command(args []string) int {
	if len(args) == 0 {
		args = []string{"args"}
	}
	switch args[0] {
	case "args":
		fmt.Println(strings.Join(args, "|"))
	case "cat":
		if _, err := io.Copy(os.Stdout, os.Stdin); err != nil {
			panic(err)
		}
	case "env":
		fmt.Println(os.Getenv(args[1]))
	case "exit":
		status, err := strconv.Atoi(args[1])
		if err != nil {
			panic(err)
		}
		return status
	case "copy":
		text, err := os.ReadFile(args[1])
		if err == nil {
			err = os.WriteFile(args[2], text, 0o600)
		}
		if err != nil {
			fmt.Fprintln(os.Stderr, err)
			return 1
		}
	default:
		fmt.Println(strings.Join(args, "|"))
	}
	return 0
}
