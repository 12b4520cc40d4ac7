// Command extism is the suite's server on Extism's Go SDK: a plug-in is compiled once,
// and instantiated for each request. It is a module of its own, so that the product has
// nothing to do with what it needs.
package main

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"os"
	"time"

	extism "github.com/extism/go-sdk"
)

func main() {
	if err := serve(context.Background(), os.Args); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

// serve listens on args[1] with the plug-in of args[2].
func serve(ctx context.Context, args []string) error {
	if len(args) != 3 {
		return errors.New("usage: extism ADDRESS PLUGIN.wasm")
	}
	const timeoutMS, headerTime = 20_000, 10 * time.Second
	manifest := extism.Manifest{Wasm: []extism.Wasm{extism.WasmFile{Path: args[2]}}, Timeout: timeoutMS}
	plugin, err := extism.NewCompiledPlugin(ctx, manifest, extism.PluginConfig{EnableWasi: true}, nil)
	if err != nil {
		return err
	}
	server := &http.Server{Addr: args[1], ReadHeaderTimeout: headerTime, Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		out, err := answer(r.Context(), plugin, r.Host)
		if err != nil {
			http.Error(w, err.Error(), http.StatusBadGateway)
			return
		}
		w.Header().Set("Content-Type", "text/plain; charset=utf-8")
		_, _ = w.Write(out) // a client that has gone hears nothing
	})}
	return server.ListenAndServe()
}

// answer calls a fresh instance.
func answer(ctx context.Context, plugin *extism.CompiledPlugin, host string) ([]byte, error) {
	instance, err := plugin.Instance(ctx, extism.PluginInstanceConfig{})
	if err != nil {
		return nil, err
	}
	_, out, err := instance.CallWithContext(ctx, "handle", []byte(host))
	return out, errors.Join(err, instance.Close(ctx))
}
