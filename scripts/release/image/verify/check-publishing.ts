import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { createInterface } from 'node:readline'
import { provenanceType } from '../../provenance.ts'
import { cycloneDxType } from '../attach.ts'
import { architectures } from '../debian/pins.ts'
import { expectEqual, type ImageUnderTest, runDray } from './programs.ts'

/** Publishes the image with dray to its own registry, and reads what arrived. */
export async function checkPublishing(image: ImageUnderTest): Promise<void> {
  const [program = '', ...first] = image.program
  const server = spawn(program, [...first, 'serve'], { stdio: ['ignore', 'pipe', 'inherit'] })
  try {
    const lines = createInterface({ input: server.stdout })
    const [line] = (await once(lines, 'line')) as [string]
    const host = /127\.0\.0\.1:\d+/.exec(line)?.[0]
    if (host === undefined) throw new Error(`dray serve prints ${line}`)
    await publish(image, `${host}/dray/dray:${image.tag}`)
  } finally {
    server.kill()
    await once(server, 'exit')
  }
}

async function publish(image: ImageUnderTest, reference: string): Promise<void> {
  await runDray(image, 'copy', `oci:${image.layout}:${image.tag}`, reference, '--yes')
  await runDray(image, 'tag', reference, '--yes')
  const before = await runDray(image, 'inspect', `oci:${image.layout}:${image.tag}`)
  const after = await runDray(image, 'inspect', reference)
  const digestIn = (text: string): string | undefined => /^digest +(\S+)$/m.exec(text)?.[1]
  expectEqual('the digest', digestIn(after), digestIn(before))
  // Those of the platforms, and those of the index.
  const subjects = architectures.length + 1
  for (const type of [cycloneDxType, provenanceType])
    expectEqual(`the number of ${type}`, after.split(`(${type})`).length - 1, subjects)
}
