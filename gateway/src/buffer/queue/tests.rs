use super::*;
use crate::buffer::TempSpace;
use std::path::PathBuf;
use tokio::time::{Duration, timeout};

const ROOM: usize = 1 << 20;

fn queue(file: u64, space: &Arc<TempSpace>) -> BodyQueue {
    limited(QueueLimits { memory: PIECE, file, files: 1 << 30 }, space, ROOM).0
}

fn limited(limits: QueueLimits, space: &Arc<TempSpace>, room: usize) -> (BodyQueue, Arc<Semaphore>) {
    let memory = Arc::new(Semaphore::new(room));
    (BodyQueue::new(TempFiles::new(Arc::clone(space)), Arc::clone(&memory), limits), memory)
}

fn piece(number: usize) -> Vec<u8> {
    vec![number as u8; PIECE]
}

async fn rest(queue: &BodyQueue) -> Vec<u8> {
    let mut all = Vec::new();
    while let Some(piece) = queue.take(1000).await.expect("no fault") {
        assert!(piece.len() <= 1000);
        all.extend_from_slice(&piece);
    }
    all
}

fn pieces(count: usize) -> Vec<u8> {
    (0..count).flat_map(piece).collect()
}

#[tokio::test]
async fn what_is_not_taken_goes_to_a_file_and_comes_back_in_its_order() {
    let space = Arc::default();
    let (queue, memory) = limited(QueueLimits { memory: PIECE, file: 1 << 30, files: 1 << 30 }, &space, ROOM);
    for number in 0..100 {
        queue.push(&piece(number)).await;
    }
    assert_eq!(space.used(), 96 * PIECE as u64, "of the others one is the start, and three have not been written");
    assert_eq!((queue.length(), memory.available_permits()), (None, ROOM - 4 * PIECE));
    queue.end(true);
    assert!(rest(&queue).await == pieces(100));
    assert_eq!((queue.length(), memory.available_permits()), (Some(100 * PIECE as u64), ROOM));
    drop(queue);
    assert_eq!(space.used(), 0);
}

#[tokio::test]
async fn a_file_whose_bytes_are_taken_is_written_again() {
    let space = Arc::default();
    let queue = queue(1 << 30, &space);
    let mut taken = Vec::new();
    for round in 1..=10 {
        for number in 10 * (round - 1)..10 * round {
            queue.push(&piece(number)).await;
        }
        while taken.len() < 10 * round * PIECE {
            taken.extend_from_slice(&queue.take(PIECE).await.expect("no fault").expect("a piece"));
        }
    }
    queue.end(true);
    assert!(taken == pieces(100) && rest(&queue).await.is_empty());
    assert_eq!(space.used(), 8 * PIECE as u64);
}

#[tokio::test(start_paused = true)]
async fn without_room_the_fast_side_waits_and_nothing_is_lost() {
    let nowhere = Arc::new(TempSpace::new(PathBuf::from("/nowhere")));
    for (file, files, space, at_once) in [
        (0, 1 << 30, Arc::default(), 1),
        (2 * PIECE as u64, 1 << 30, Arc::default(), 3),
        (1 << 30, 10, Arc::default(), 5),
        (1 << 30, 1 << 30, nowhere, 5),
    ] {
        let (queue, _) = limited(QueueLimits { memory: PIECE, file, files }, &space, ROOM);
        for number in 0..at_once {
            queue.push(&piece(number)).await;
        }
        assert!(timeout(Duration::from_secs(1), queue.push(&piece(at_once))).await.is_err(), "{file} {files}");
        let fill = async {
            for number in at_once..20 {
                queue.push(&piece(number)).await;
            }
            queue.end(true);
        };
        let ((), all) = tokio::join!(fill, rest(&queue));
        assert!(all == pieces(20), "{file} {files}");
    }
}

#[tokio::test]
async fn where_memory_is_short_a_body_goes_to_the_file_earlier() {
    let space = Arc::default();
    let (queue, _) = limited(QueueLimits { memory: 1 << 20, file: 1 << 30, files: 1 << 30 }, &space, PIECE);
    for number in 0..5 {
        queue.push(&piece(number)).await;
    }
    assert_eq!(space.used(), 3 * PIECE as u64, "but for the start and the end");
    queue.end(true);
    assert!(rest(&queue).await == pieces(5));
}

#[tokio::test]
async fn a_small_piece_can_be_taken_at_once() {
    let queue = queue(0, &Arc::default());
    for text in ["a", "bc"] {
        assert!(!queue.is_at_hand());
        queue.push(text.as_bytes()).await;
        assert!(queue.is_at_hand());
        assert_eq!(queue.take(PIECE).await.expect("no fault").expect("a piece"), text);
    }
    queue.end(false);
    assert!(queue.is_at_hand() && queue.length().is_none());
    assert_eq!(queue.take(PIECE).await.expect("no fault"), None);
}
