import { defineConfig } from 'vitest/config'

const report = process.env['DRAY_TEST_REPORT']

/** Tests that run `bin/dray.js`. */
const startsProgram = ['attacks', 'commands', 'program', 'promises'].map(
  (folder) => `test/${folder}/**/*.test.ts`,
)

export default defineConfig({
  test: {
    pool: 'forks',
    // many tests wait for a program, a registry, or a retry: more of them than there are cores keep these busy
    maxWorkers: '150%',
    testTimeout: 30_000,
    projects: [
      { extends: true, test: { name: 'parts', include: ['test/**/*.test.ts'], exclude: startsProgram } },
      // built first, once
      {
        extends: true,
        test: { name: 'program', include: startsProgram, globalSetup: 'test/support/build.ts' },
      },
    ],
    // .ci/run takes its last line from this report
    reporters: report === undefined ? ['default'] : ['default', ['json', { outputFile: report }]],
  },
})
