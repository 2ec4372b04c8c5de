package browser

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"time"
)

// Chromium is where an installed Chromium is.
type Chromium struct {
	Program string
	Env     []string // what it needs beside the environment of whoever starts it
}

// installTime bounds fetching and unpacking about 75 MB.
const installTime = 10 * time.Minute

// Install makes sure that the pinned Chromium is in .tools/browser under root, the
// top of the tree. E2E_CHROMIUM names another one instead, for machines that the
// pinned one does not run on.
func Install(root string) (Chromium, error) {
	if own := os.Getenv("E2E_CHROMIUM"); own != "" {
		return Chromium{Program: own}, nil
	}
	node, err := exec.LookPath("node")
	if err != nil {
		return Chromium{}, fmt.Errorf("the browser tests need Node.js 20 or newer with npm on PATH (or E2E_CHROMIUM, the path of a Chromium): %w", err)
	}
	ctx, cancel := context.WithTimeout(context.Background(), installTime)
	defer cancel()
	if out, err := exec.CommandContext(ctx, node, filepath.Join(root, "infra/e2e/browser/install.mjs")).CombinedOutput(); err != nil {
		return Chromium{}, fmt.Errorf("install Chromium for the browser tests: %w\n%s", err, out)
	}
	home, err := filepath.Abs(filepath.Join(root, ".tools/browser"))
	if err != nil {
		return Chromium{}, err
	}
	return Chromium{Program: filepath.Join(home, "chromium"),
		Env: []string{"LD_LIBRARY_PATH=" + filepath.Join(home, "lib"), "FONTCONFIG_FILE=" + filepath.Join(home, "fonts.conf"),
			"XDG_CACHE_HOME=" + filepath.Join(home, "cache")}}, nil
}
