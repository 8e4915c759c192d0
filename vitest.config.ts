import { defineConfig } from 'vitest/config'
import { BaseSequencer, type TestSpecification } from 'vitest/node'
import { memoryFolder } from './test/support/memory-folder.ts'

const report = process.env['DRAY_TEST_REPORT']

// Tests write many small files, and dray waits until the disk has them.
const inMemory = memoryFolder()
if (inMemory !== undefined) process.env['TMPDIR'] ??= inMemory

/** Tests that run `bin/dray.js`. */
const startsProgram = ['attacks', 'commands', 'program', 'promises'].map(
  (folder) => `test/${folder}/**/*.test.ts`,
)

/**
 * Tests of modules that do not depend on the process. Their files share the processes of the
 * workers, and modules are loaded once.
 */
const sharesProcess = [
  'action',
  'audit',
  'ci-files',
  'cli',
  'config',
  'deployments',
  'embedded',
  'execute',
  'gates',
  'images',
  'layout',
  'lib',
  'oci',
  'plan',
  'registry',
  'render',
  'reports',
  'scripts',
  'selectors',
  'semver',
  'signing',
  'usecases',
].map((folder) => `test/${folder}/**/*.test.ts`)

/** Tests of what a process has not loaded yet, and of all objects in its memory. */
const ownProcess = ['test/signing/trust/load-signer.test.ts', 'test/cli/prune/prune-run.test.ts']

/** Small files with long tests. Without recorded times, vitest would start them last. */
const long =
  /(?:docs-commands|hostile\/corpus|single-fault|killed|referrers-at-once|rollback|status)\.test\.ts$/

/** Starts long tests first, so that no core is idle at the end. */
class LongFirst extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    const sorted = await super.sort(files)
    const isLong = ({ moduleId }: TestSpecification): boolean => long.test(moduleId)
    return [...sorted.filter(isLong), ...sorted.filter((file) => !isLong(file))]
  }
}

export default defineConfig({
  test: {
    sequence: { sequencer: LongFirst },
    pool: 'forks',
    // Many tests wait for a program, a registry or a retry.
    maxWorkers: '200%',
    testTimeout: 30_000,
    projects: [
      {
        extends: true,
        test: { name: 'modules', include: sharesProcess, exclude: ownProcess, isolate: false },
      },
      {
        extends: true,
        test: {
          name: 'parts',
          include: ['test/**/*.test.ts'],
          exclude: [...startsProgram, ...sharesProcess],
        },
      },
      { extends: true, test: { name: 'alone', include: ownProcess } },
      // built first, once
      {
        extends: true,
        test: {
          name: 'program',
          include: startsProgram,
          // The files of a worker also share the processes of `warmDray`.
          isolate: false,
          globalSetup: 'test/support/build.ts',
        },
      },
    ],
    // .ci/run takes its last line from this report
    reporters: report === undefined ? ['default'] : ['default', ['json', { outputFile: report }]],
  },
})
