import { renameSync, rmSync } from 'node:fs'
import { basename, dirname, resolve } from 'node:path'
import { sourceOf } from '../../../src/audit/artifact.ts'
import type { StatementArtifact } from '../../../src/audit/attestation/statement-artifact.ts'
import { LayoutRepositories } from '../../../src/layout/layout-repositories.ts'
import type { Call } from '../../../src/lib/call.ts'
import { systemClock } from '../../../src/lib/clock.ts'
import { layoutRegistry } from '../../../src/oci/reference.ts'
import type { Blob, ComposedImage } from './compose.ts'

/**
 * Replaces a folder by an image layout with the image under its tag and the attached artifacts. The
 * folder is complete or has its former content.
 */
export async function writeLayout(
  folder: string,
  { index, images }: ComposedImage,
  attachments: readonly StatementArtifact[],
  tag: string,
): Promise<void> {
  const path = resolve(folder)
  const unfinished = resolve(dirname(path), `.${basename(path)}.new`)
  rmSync(unfinished, { recursive: true, force: true })
  const call: Call = { signal: new AbortController().signal, notify: () => undefined }
  const layout = new LayoutRepositories('/', systemClock).target({
    registry: layoutRegistry,
    path: unfinished,
  })
  const put = ({ descriptor, bytes }: Blob): Promise<unknown> =>
    layout.putBlob(descriptor, sourceOf(bytes), call)
  for (const { manifest, blobs } of images) {
    for (const blob of blobs) await put(blob)
    await layout.putManifest(manifest.descriptor, manifest.bytes, [], call)
  }
  await layout.putManifest(index.descriptor, index.bytes, [tag], call)
  for (const { manifest, blob } of attachments) {
    await put(blob)
    await layout.putManifest(manifest.descriptor, manifest.bytes, [], call)
  }
  rmSync(path, { recursive: true, force: true })
  renameSync(unfinished, path)
}
