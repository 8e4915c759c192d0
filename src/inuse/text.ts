import { DrayError } from '../lib/errors.ts'

/** @throws `malformed` for what is no UTF-8. A byte order mark is left out. */
export function decodeText(bytes: Uint8Array, name: string): string {
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes)
  } catch (cause) {
    throw new DrayError('malformed', `${name} is not UTF-8`, {
      subject: name,
      hint: 'Windows PowerShell writes UTF-16 with ">": use Out-File -Encoding utf8.',
      cause,
    })
  }
}

/** @throws `malformed` for a text of nothing but white space: something that should have been written was not. */
export function checkNotBlank(text: string, name: string): void {
  if (text.trim() !== '') return
  throw new DrayError('malformed', `${name} is empty`, {
    subject: name,
    hint: 'Correct it, or leave it out. Nothing is deleted while it is not known what runs.',
  })
}

export function tooLarge(name: string, maxBytes: number): DrayError {
  return new DrayError('malformed', `${name} is larger than ${maxBytes} bytes`, {
    subject: name,
    hint: 'Split it, or leave it out.',
  })
}
