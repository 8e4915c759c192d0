import { DrayError } from '../../lib/errors.ts'

/** Decodes UTF-8 and omits a byte order mark. @throws `malformed` for other bytes. */
export function decodeText(bytes: Uint8Array, name: string): string {
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes)
  } catch (cause) {
    throw new DrayError('malformed', `${name} is not UTF-8`, {
      subject: name,
      hint: 'Write the file as UTF-8. In Windows PowerShell, use Out-File -Encoding utf8 instead of ">".',
      cause,
    })
  }
}

/** @throws `malformed` for a text of white space: a program has failed to write it. */
export function checkNotBlank(text: string, name: string): void {
  if (text.trim() !== '') return
  throw new DrayError('malformed', `${name} is empty`, {
    subject: name,
    hint: 'Correct the source, or remove it. dray deletes nothing while the images in use are unknown.',
  })
}

export function tooLarge(name: string, maxBytes: number): DrayError {
  return new DrayError('malformed', `${name} is larger than ${maxBytes} bytes`, {
    subject: name,
    hint: 'Split the file, or remove it.',
  })
}
