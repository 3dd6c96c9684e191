import { useState, type DragEvent } from 'react';

/**
 * What an element needs to take drops: handlers, and `data-over` while something is held above it.
 */
export function useDrop(onDrop: (data: DataTransfer) => void) {
  const [over, setOver] = useState(false);
  return {
    'data-over': over,
    onDragOver: (event: DragEvent) => {
      event.preventDefault();
      setOver(true);
    },
    onDragLeave: () => setOver(false),
    onDrop: (event: DragEvent) => {
      event.preventDefault();
      setOver(false);
      onDrop(event.dataTransfer);
    },
  };
}
