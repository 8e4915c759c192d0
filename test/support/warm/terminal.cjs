// Preloaded into an executable: stdout behaves like a terminal of 100 columns.
Object.assign(process.stdout, { isTTY: true, columns: 100, rows: 1000, getWindowSize: () => [100, 1000] })
