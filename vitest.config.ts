import { defineConfig } from 'vitest/config'

const report = process.env['DRAY_TEST_REPORT']

export default defineConfig({
  test: {
    include: ['test/**/*.test.ts'],
    pool: 'forks',
    testTimeout: 30_000,
    // .ci/run takes its last line from this report
    reporters: report === undefined ? ['default'] : ['default', ['json', { outputFile: report }]],
  },
})
