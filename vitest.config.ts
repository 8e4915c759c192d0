import { defineConfig } from 'vitest/config'

const report = process.env['DRAY_TEST_REPORT']

/** Tests that run `bin/dray.js`. */
const startsProgram = ['test/commands/**/*.test.ts', 'test/program/**/*.test.ts', 'test/promises/**/*.test.ts']

export default defineConfig({
  test: {
    pool: 'forks',
    // by itself it leaves a core to the watcher; many tests wait for a program or a registry
    maxWorkers: '100%',
    testTimeout: 30_000,
    projects: [
      { extends: true, test: { name: 'parts', include: ['test/**/*.test.ts'], exclude: startsProgram } },
      // built first, once
      { extends: true, test: { name: 'program', include: startsProgram, globalSetup: 'test/support/build.ts' } },
    ],
    // .ci/run takes its last line from this report
    reporters: report === undefined ? ['default'] : ['default', ['json', { outputFile: report }]],
  },
})
