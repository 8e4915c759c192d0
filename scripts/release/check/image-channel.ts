import { join } from 'node:path'
import { verifyImage } from '../image/verify/verify-image.ts'
import type { Step } from './steps.ts'

/** Runs those checks of the image that this machine can run. */
export const imageStep: Step = {
  name: 'image-check',
  title: 'the container image starts, and dray publishes it with its attached artifacts',
  after: ['image'],
  async run({ root, release, version }) {
    const program = [process.execPath, join(root, 'bin', 'dray.js')]
    const { passed, skipped } = await verifyImage(join(release, 'image'), version, program)
    return [`${passed.length} checks`, ...skipped.map((one) => `skipped: ${one}`)].join('\n')
  },
}
